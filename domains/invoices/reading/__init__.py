"""Reading: hostile or honest files opened safely and made into words with boxes."""

from domains.invoices.reading.opened import Opened as Opened
from domains.invoices.reading.reader import Reader as Reader
