"""An e-mail that brings an invoice."""

from datetime import UTC, datetime, time
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from domains.invoices.sampling.bill import Bill


def mail(bill: Bill, name: str, pdf: bytes) -> bytes:
    """The `.eml` file: a few words and the PDF, attached as `name`."""
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{bill.supplier.name.replace(',', '')} <{bill.supplier.email}>"
    message["To"] = bill.buyer.email
    message["Subject"] = f"Rechnung {bill.number}"
    message["Date"] = format_datetime(datetime.combine(bill.issued, time(9, 30), UTC))
    message["Message-ID"] = f"<{bill.number.replace('/', '-').replace(' ', '-')}@{bill.supplier.email.split('@')[1]}>"
    message.set_content(
        f"Guten Tag,\n\nanbei erhalten Sie unsere Rechnung {bill.number} als ZUGFeRD-PDF.\n\n"
        f"Mit freundlichen Grüßen\n{bill.supplier.contact}\n{bill.supplier.name}\n"
    )
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=name)
    message.set_boundary("=-agentflow-sample")
    return message.as_bytes()
