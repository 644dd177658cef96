"""The samples, one by one: the table that the files, the gold and the tests are made from."""

from dataclasses import replace
from functools import partial

from PIL import Image

from domains.invoices.sampling import bills as b
from domains.invoices.sampling import cii, embed, mail, scanned_bills, scans, tricks, ubl
from domains.invoices.sampling import ebills as e
from domains.invoices.sampling import stationery as s
from domains.invoices.sampling.bill import Bill
from domains.invoices.sampling.paper import Extra, Form, typeset
from domains.invoices.sampling.sample import DUPLICATE, IF_CERTAIN, POSTED, Expect, Sample, review
from domains.invoices.sampling.zugferd1 import zugferd1

ROUTE = "04011000-99412-07"
"""The buyer reference that XRechnung asks for."""


def page(file: str, form: Form, bill: Bill, expect: Expect = IF_CERTAIN, *, extra: Extra | None = None) -> Sample:
    """A PDF with text, and nothing but its pages to go by."""
    return Sample(file, "pdf_plain", partial(typeset, form, bill, extra), expect, bill, form)


def hybrid(
    file: str,
    form: Form,
    bill: Bill,
    expect: Expect = POSTED,
    *,
    profile: str = cii.CORE,
    extra: Extra | None = None,
) -> Sample:
    """A Factur-X PDF."""
    return Sample(file, "facturx_pdf", partial(_facturx, form, bill, bill, profile, extra), expect, bill)


def _facturx(form: Form, shown: Bill, bill: Bill, profile: str, extra: Extra | None) -> bytes:
    return embed.facturx(typeset(form, shown, extra), cii.cii(bill, profile=profile), bill)


def disagreeing(file: str, form: Form, shown: Bill, bill: Bill, fields: tuple[str, ...]) -> Sample:
    """A Factur-X PDF whose page shows another bill than its XML says."""
    make = partial(_facturx, form, shown, bill, cii.CORE, None)
    return Sample(file, "hybrid_mismatch", make, review("page_disagrees"), bill, extra=(("mismatch_fields", fields),))


def as_ubl(
    file: str,
    bill: Bill,
    expect: Expect = POSTED,
    *,
    profile: str = ubl.CORE,
    reference: str = "",
    extra: tuple[tuple[str, object], ...] = (),
) -> Sample:
    """A UBL file."""
    return Sample(
        file, "einvoice_xml", partial(ubl.ubl, bill, profile=profile, reference=reference), expect, bill, extra=extra
    )


def as_cii(file: str, bill: Bill, expect: Expect = POSTED, *, profile: str = cii.CORE, reference: str = "") -> Sample:
    """A CII file."""
    return Sample(file, "einvoice_xml", partial(cii.cii, bill, profile=profile, reference=reference), expect, bill)


def _fax(form: Form, bill: Bill) -> bytes:
    return scans.pdf_of(
        [scans.bitonal(scans.scanned(p, angle=0.4, seed=25)) for p in scans.render(typeset(form, bill))]
    )


def _sideways(form: Form, bill: Bill) -> bytes:
    pages = scans.render(typeset(form, bill), 150)
    turned = [scans.scanned(p, angle=-0.5, seed=24).transpose(Image.Transpose.ROTATE_90) for p in pages]
    return scans.jpeg_pdf_of(turned)


def _png(form: Form, bill: Bill) -> bytes:
    return scans.png_of(scans.scanned(scans.render(typeset(form, bill), 150)[0], angle=0.9, seed=23))


def _tiff(form: Form, bill: Bill) -> bytes:
    return scans.tiff_of(
        [scans.bitonal(scans.scanned(p, angle=-0.3, seed=26)) for p in scans.render(typeset(form, bill))]
    )


def _photo(form: Form, bill: Bill) -> bytes:
    return scans.jpeg_of(scans.photo(scans.render(typeset(form, bill), 150)[0], seed=27))


def _archive(form: Form, bill: Bill) -> bytes:
    pages = scans.render(typeset(form, bill))
    return scans.pdf_of([scans.bitonal(scans.scanned(p, angle=0.7, blur=0.8, seed=29), 160) for p in pages])


def _broken_sum() -> bytes:
    return tricks.swapped(
        ubl.ubl(e.BINDERS), f">{e.BINDERS.gross}</cbc:TaxInclusiveAmount>", f">{WRONG_GROSS}</cbc:TaxInclusiveAmount>"
    )


def _mailed() -> bytes:
    pdf = _facturx(s.SOMMERAU, e.UPGRADE, e.UPGRADE, cii.CORE, None)
    return mail.mail(e.UPGRADE, f"{e.UPGRADE.number}.pdf", pdf)


def _half() -> bytes:
    pdf = typeset(s.EBBINGHOF, e.CALENDARS)
    return pdf[: len(pdf) * 2 // 5]


FORGED = tricks.with_iban(e.PUMP, "BE32999073519202")
MISPRINT = tricks.with_vat_id(tricks.with_iban(e.CALENDARS, "DE22999999990003759124"), "DE91246926")
DEARER = replace(e.LOCKERS, items=(replace(e.LOCKERS.items[0], quantity=e.LOCKERS.items[0].quantity + 3),))
WRONG_GROSS = e.BINDERS.gross + 90
SUMS = ("net_total", "tax_total", "gross_total", "amount_due")
OF_01 = (("duplicate_of", "01"),)
OF_14 = (("duplicate_of", "14"),)

SAMPLES = (
    page("01-text-de.pdf", s.QUELLSTEIN, b.OFFICE),
    page("02-text-en.pdf", s.HARROWMERE, b.SAFETY),
    page("03-text-fr.pdf", s.MIRVAUX, b.SIGNS),
    page("04-text-nl.pdf", s.OOSTVELDER, b.FREIGHT),
    page("05-text-it.pdf", s.VALDROSA, b.INSULATORS),
    page("06-text-es.pdf", s.MONTALBEA, b.MACHINING),
    page("07-text-us-usd.pdf", s.BIRCHLAKE, b.VALVES),
    page("08-text-ch-chf.pdf", s.HUEGELMATT, b.CALIBRATION),
    page("09-text-jp-jpy.pdf", s.KAZEHARA, b.BEARINGS),
    page("10-text-discount-deposit-de.pdf", s.EBBINGHOF, b.PROOFS),
    page("11-text-three-pages-de.pdf", s.FALKWITZ, b.SWITCHGEAR),
    page("12-credit-note-de.pdf", s.QUELLSTEIN, b.RETURN),
    as_ubl("13-credit-note-ubl.xml", e.REFUND),
    hybrid("14-facturx-de.pdf", s.LUMENTAL, e.LAMPS),
    hybrid("15-facturx-basic-fr.pdf", s.MIRVAUX, e.PANELS, profile=cii.BASIC),
    Sample(
        "16-zugferd1-in-pdf.pdf",
        "facturx_pdf",
        lambda: embed.attached(typeset(s.EBBINGHOF, e.BROCHURES), zugferd1(e.BROCHURES), "ZUGFeRD-invoice.xml"),
        POSTED,
        e.BROCHURES,
    ),
    Sample(
        "17-ubl-in-pdf.pdf",
        "pdf_with_ubl",
        lambda: embed.attached(typeset(s.SOMMERAU, e.LICENCES), ubl.ubl(e.LICENCES), "SW-2026-0915.xml"),
        POSTED,
        e.LICENCES,
    ),
    as_ubl("18-ubl-peppol-be.xml", e.FILTERS, profile=ubl.PEPPOL, reference="NL-INKOOP"),
    as_ubl("19-xrechnung-ubl.xml", e.CABINETS, profile=ubl.XRECHNUNG, reference=ROUTE),
    as_cii("20-xrechnung-cii.xml", e.STATIONERY, profile=cii.XRECHNUNG, reference=ROUTE),
    as_cii("21-cii-fr.xml", e.LABELS),
    Sample("22-zugferd1.xml", "einvoice_xml", partial(zugferd1, e.ROUNDED), POSTED, e.ROUNDED),
    Sample(
        "23-scan-en.png",
        "scan_render",
        partial(_png, s.HARROWMERE, scanned_bills.TRAINING),
        IF_CERTAIN,
        scanned_bills.TRAINING,
        s.HARROWMERE,
    ),
    Sample(
        "24-scan-rotated-90.pdf",
        "scan_pdf",
        partial(_sideways, s.OOSTVELDER, scanned_bills.PALLETS),
        IF_CERTAIN,
        scanned_bills.PALLETS,
        s.OOSTVELDER,
    ),
    Sample(
        "25-scan-fax-us.pdf",
        "scan_pdf",
        partial(_fax, s.BIRCHLAKE, scanned_bills.GASKETS),
        IF_CERTAIN,
        scanned_bills.GASKETS,
        s.BIRCHLAKE,
    ),
    Sample(
        "26-scan-two-pages-es.tiff",
        "scan_render",
        partial(_tiff, s.MONTALBEA, scanned_bills.SHAFTS),
        IF_CERTAIN,
        scanned_bills.SHAFTS,
        s.MONTALBEA,
    ),
    Sample(
        "27-photo-it.jpg",
        "scan_render",
        partial(_photo, s.VALDROSA, scanned_bills.TILES),
        IF_CERTAIN,
        scanned_bills.TILES,
        s.VALDROSA,
    ),
    Sample("28-email-facturx.eml", "email", _mailed, POSTED, e.UPGRADE),
    Sample(
        "29-duplicate-scan-of-01.pdf",
        "scan_pdf",
        partial(_archive, s.QUELLSTEIN, b.OFFICE),
        Expect("any", "Duplicate"),
        b.OFFICE,
        s.QUELLSTEIN,
        OF_01,
    ),
    as_ubl("30-duplicate-ubl-of-14.xml", e.LAMPS, DUPLICATE, extra=OF_14),
    as_ubl("31-same-number-other-total-than-14.xml", e.LAMPS_AGAIN, IF_CERTAIN),
    as_ubl("32-order-matches.xml", e.MOTORS),
    as_cii("33-order-exceeded.xml", e.DRIVES, review("order_amount_exceeded")),
    hybrid("34-bank-account-changed.pdf", s.BRAAMVELD, FORGED, review("bank_details_changed")),
    disagreeing("35-page-disagrees.pdf", s.QUELLSTEIN, DEARER, e.LOCKERS, SUMS),
    page("36-hidden-text.pdf", s.FALKWITZ, e.WIRING, review("hidden_text"), extra=tricks.hide),
    hybrid("37-hidden-text-facturx.pdf", s.QUELLSTEIN, e.TONER, review("hidden_text"), extra=tricks.whiten),
    as_cii("38-new-vendor.xml", e.CHILLER, review("new_vendor")),
    Sample(
        "39-arithmetic-broken.xml",
        "einvoice_xml_invalid",
        _broken_sum,
        review("rule_broken"),
        e.BINDERS,
        stated=(("gross_total", str(WRONG_GROSS)),),
    ),
    as_cii("40-iban-and-vat-id-invalid.xml", MISPRINT, review("iban_invalid", "vat_id_malformed")),
    Sample("41-letter.pdf", "letter", tricks.letter, Expect("any", "Rejected")),
    Sample("42-truncated.pdf", "broken", _half, Expect("delivered", "Rejected", ("truncated",))),
)
