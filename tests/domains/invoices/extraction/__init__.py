"""Tests of the on-device source."""
