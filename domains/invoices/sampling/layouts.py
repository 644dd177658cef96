"""Layouts of the German-speaking world and Britain: address window, business letter, stripes, payment slip."""

from domains.invoices.sampling.bill import Bill, Party
from domains.invoices.sampling.paper import (
    Paper,
    address,
    bank,
    colons,
    facts,
    items,
    pairs_down,
    total_box,
)

GREY = "#5a5a5a"


def window(paper: Paper) -> None:
    """DIN 5008: address window on the left, facts on the right, three columns of small print at the foot."""
    sheet, bill = paper.sheet, paper.bill
    supplier = bill.supplier
    _window_head(paper)
    sheet.text(20, 50, f"{supplier.name} · {supplier.street} · {supplier.city}", 6.5, colour=GREY)
    sheet.rule(20, 51, 100, 51, 0.3, GREY)
    sheet.block(20, 57, address(bill.buyer), 10, leading=5)
    pairs_down(sheet, 122, 57, facts(paper, "number", "date", "delivered", "customer", "po", "due"), 34, leading=5)
    sheet.text(20, 100, f"{paper.title} {bill.number}", 13, bold=True)
    y = 106.0
    if bill.note:
        y = sheet.block(20, 107, sheet.wrap(bill.note, 170), 9) + 2
    y = items(paper, 20, y, 245, lambda: _window_turn(paper))
    if y > 215:
        y = _window_turn(paper)
    y = total_box(paper, 190, y + 1, 88) + 6
    for line in sheet.wrap(paper.terms, 170):
        sheet.text(20, y, line)
        y += 4.4
    _window_foot(paper)


def _window_turn(paper: Paper) -> float:
    _window_foot(paper)
    paper.sheet.turn()
    _window_head(paper)
    return 45


def _window_head(paper: Paper) -> None:
    sheet, supplier = paper.sheet, paper.bill.supplier
    sheet.box(20, 14, 3, 14, fill=sheet.accent, line=None)
    sheet.text(26, 20, supplier.name, 15, bold=True, colour=sheet.accent)
    sheet.text(26, 26.5, supplier.tagline, 9, colour=GREY)


def _window_foot(paper: Paper) -> None:
    sheet, supplier, words = paper.sheet, paper.bill.supplier, paper.notation
    sheet.rule(20, 268, 190, 268, 0.4, sheet.accent)
    sheet.text(190, 265.5, paper.folio, 8, align="right", colour=GREY)
    where = [*address(supplier), f"{words['phone']} {supplier.phone}"]
    sheet.block(20, 273, where, 7, leading=3.4, colour=GREY)
    sheet.block(
        76,
        273,
        [supplier.email, f"{words['vat_id']}: {supplier.vat_id}", supplier.register],
        7,
        leading=3.4,
        colour=GREY,
    )
    account = supplier.account
    sheet.block(140, 273, [account.bank if account else "", *colons(bank(paper))], 7, leading=3.4, colour=GREY)


def letter(paper: Paper) -> None:
    """A British letter: letterhead on the right, large title, facts under it, bank details boxed below."""
    sheet, bill = paper.sheet, paper.bill
    supplier = bill.supplier
    sheet.text(188, 22, supplier.name, 16, bold=True, align="right", colour=sheet.accent)
    head = [supplier.tagline, supplier.street, supplier.city, f"T {supplier.phone}", supplier.email]
    sheet.block(188, 28, head, 8.5, align="right", colour=GREY)
    sheet.text(22, 62, paper.title.upper(), 24, bold=True, colour=sheet.accent)
    sheet.text(22, 74, "Invoice to" if bill.type_code == "380" else "Credit to", 8, colour=GREY)
    sheet.block(22, 79.5, address(bill.buyer), 10, leading=4.8, bold_first=True)
    pairs_down(sheet, 118, 74, facts(paper, "number", "date", "delivered", "customer", "po", "vat_id"), 32, leading=5.2)
    y = items(paper, 22, 108, 240, lambda: _letter_turn(paper))
    y = total_box(paper, 188, y + 2, 78) + 8
    sheet.block(22, y, sheet.wrap(paper.terms, 166))
    _letter_bank(paper, y + 6)
    sheet.text(105, 284, f"{supplier.name} · {supplier.register}", 7, align="center", colour=GREY)
    sheet.text(188, 288, paper.folio, 7, align="right", colour=GREY)


def _letter_turn(paper: Paper) -> float:
    paper.sheet.turn()
    return 25


def _letter_bank(paper: Paper, y: float) -> None:
    sheet, account = paper.sheet, paper.bill.supplier.account
    if not account:
        return
    rows = [("Bank", account.bank), ("Account name", paper.bill.supplier.name), *bank(paper)]
    sheet.box(22, y, 92, 6 + 5 * len(rows), fill="#f3f1ec", line=None)
    pairs_down(sheet, 26, y + 6.5, rows, 28, size=8.5, leading=5)


def modern(paper: Paper) -> None:
    """A software house: coloured band, big amount due, stripes, bank details in one line at the foot."""
    sheet, bill, words = paper.sheet, paper.bill, paper.notation
    supplier = bill.supplier
    sheet.box(0, 0, 210, 34, fill=sheet.accent, line=None)
    sheet.text(20, 18, supplier.name, 17, bold=True, colour="#ffffff")
    sheet.text(20, 25, supplier.tagline, 9, colour="#ffffff")
    sheet.text(190, 20, paper.title, 20, align="right", colour="#ffffff")
    sheet.block(20, 46, address(bill.buyer), 9.5, leading=5, bold_first=True)
    if bill.buyer.vat_id:
        sheet.text(20, 68, f"{words['vat_id']}: {bill.buyer.vat_id}", 9)
    end = pairs_down(
        sheet, 120, 46, facts(paper, "number", "date", "delivered", "due", "customer", "po"), 36, leading=5.2
    )
    y = items(paper, 20, max(78, end + 4), 240, lambda: _letter_turn(paper))
    y = total_box(paper, 190, y + 2, 88) + 6
    y = sheet.block(20, y, sheet.wrap(bill.note, 170), 9) if bill.note else y
    sheet.block(20, y, sheet.wrap(paper.terms, 170), 9)
    _modern_foot(paper)


def _modern_foot(paper: Paper) -> None:
    sheet, supplier, words = paper.sheet, paper.bill.supplier, paper.notation
    tax_id = f"{words['vat_id']} {supplier.vat_id}"
    who = f"{supplier.name}, {supplier.street}, {supplier.city} | {tax_id} | {supplier.register}"
    account = supplier.account.bank if supplier.account else ""
    sheet.text(105, 278, who, 7, align="center", colour=GREY)
    sheet.text(
        105, 282, f"{account} | " + " | ".join(f"{a} {b}" for a, b in bank(paper)), 7, align="center", colour=GREY
    )
    sheet.text(105, 286, f"{supplier.email} | {supplier.phone} | {paper.folio}", 7, align="center", colour=GREY)


def swiss(paper: Paper) -> None:
    """Swiss: address on the right, plain table, the payment slip along the bottom."""
    sheet, bill, words = paper.sheet, paper.bill, paper.notation
    supplier = bill.supplier
    sheet.disc(26, 21, 5, sheet.accent)
    sheet.text(34, 20, supplier.name, 13, bold=True)
    sheet.text(34, 25, supplier.tagline, 8.5, colour=GREY)
    sheet.block(
        20,
        36,
        [supplier.street, supplier.city, supplier.phone, supplier.email, f"UID {supplier.vat_id}"],
        8,
        leading=3.8,
    )
    sheet.block(120, 50, address(bill.buyer), 10, leading=5)
    sheet.text(120, 76, f"{supplier.town}, {words.date(bill.issued)}", 9.5)
    sheet.text(20, 88, f"{paper.title} Nr. {bill.number}", 13, bold=True)
    pairs_down(sheet, 20, 96, facts(paper, "date", "po", "customer", "delivered", "due"), 38, leading=4.8)
    y = items(paper, 20, 122, 175, lambda: _letter_turn(paper))
    total_box(paper, 190, y + 1, 80)
    sheet.text(20, 190, paper.terms, 9)
    _slip(paper)


def _slip(paper: Paper) -> None:
    sheet, bill = paper.sheet, paper.bill
    sheet.rule(0, 200, 210, 200, 0.3)
    sheet.rule(62, 200, 62, 297, 0.3)
    payee = [bank(paper)[0][1], *address(bill.supplier)]
    for x, head, size in ((5, "Empfangsschein", 8), (118, "Zahlteil", 10)):
        sheet.text(x if x == 5 else 67, 208, head, 11, bold=True)
        y = 216.0 if x == 5 else 210
        for label, lines in (("Konto / Zahlbar an", payee), ("Zahlbar durch", address(bill.buyer))):
            sheet.text(x, y, label, size - 2, bold=True)
            y = sheet.block(x, y + 4, lines, size, leading=0.42 * size + 0.4) + 3
        at = x if x == 5 else 67
        sheet.text(at, 270, "Währung", size - 2, bold=True)
        sheet.text(at + 16, 270, "Betrag", size - 2, bold=True)
        sheet.text(at, 275, bill.currency, size)
        sheet.text(at + 16, 275, paper.notation.number(bill.payable), size)
    sheet.text(57, 286, "Annahmestelle", 6, bold=True, align="right")
    sheet.text(118, 262, "Zusätzliche Informationen", 8, bold=True)
    sheet.text(118, 266.5, f"{paper.title} {bill.number}", 10)
    sheet.qr(67, 214, 46, _qr_bill(bill))
    sheet.box(87, 234, 6, 6, fill="#000000", line="#ffffff", thick=1.5)
    sheet.rule(90, 235.2, 90, 238.8, 3, "#ffffff")
    sheet.rule(88.2, 237, 91.8, 237, 3, "#ffffff")


def _qr_bill(bill: Bill) -> str:
    """The lines of a Swiss QR code, version 2 of SIX's guidelines: structured addresses, no reference."""
    iban = bill.supplier.account.iban if bill.supplier.account else ""
    nobody = [""] * 7
    lines = ["SPC", "0200", "1", iban or "", *_qr_party(bill.supplier), *nobody, f"{bill.payable}", bill.currency]
    return "\n".join([*lines, *_qr_party(bill.buyer), "NON", "", bill.number, "EPD"])


def _qr_party(party: Party) -> list[str]:
    street, _, house = party.street.rpartition(" ")
    return ["S", party.name, street, house, party.postcode, party.town, party.country]
