"""Reading: files of every kind, honest and hostile, made by the tests themselves."""
