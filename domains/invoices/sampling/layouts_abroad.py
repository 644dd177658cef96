"""Layouts from France, the Low Countries, the South and overseas: boxes, grids, forms, remittance slips."""

from domains.invoices.sampling.paper import (
    Pair,
    Paper,
    address,
    bank,
    colons,
    facts,
    items,
    pairs_down,
    total_box,
    totals,
)

GREY = "#5a5a5a"


def cells(
    paper: Paper, x: float, y: float, width: float, pairs: list[Pair], *, fill: str, ink: str = "#1a1a1a"
) -> None:
    """A header-value grid: labels in a filled row, the values below them."""
    sheet = paper.sheet
    each = width / len(pairs)
    sheet.box(x, y, width, 6, fill=fill, line=None)
    sheet.box(x, y, width, 13)
    for i, (label, value) in enumerate(pairs):
        middle = x + each * (i + 0.5)
        sheet.text(middle, y + 4.2, label, 8, bold=True, align="center", colour=ink)
        sheet.text(middle, y + 10.4, value, 9, align="center")
        if i:
            sheet.rule(x + each * i, y, x + each * i, y + 13)


def boxed(paper: Paper) -> None:
    """French: name on the left, addressee in a box, full grid, the tax table beside the net à payer."""
    sheet, bill = paper.sheet, paper.bill
    supplier = bill.supplier
    sheet.text(18, 24, supplier.name, 18, bold=True, colour=sheet.accent)
    sheet.block(
        18, 30, [supplier.tagline, supplier.street, supplier.city, f"Tél. {supplier.phone}", supplier.email], 8.5
    )
    sheet.box(112, 34, 80, 30)
    sheet.block(116, 41, address(bill.buyer), 10, leading=5, bold_first=True)
    sheet.text(116, 61, f"TVA : {bill.buyer.vat_id}", 8, colour=GREY)
    sheet.text(18, 74, f"{paper.title} n° {bill.number}", 14, bold=True)
    cells(paper, 18, 79, 174, facts(paper, "date", "due", "delivered", "customer", "po"), fill="#e4ecef")
    y = items(paper, 18, 98, 225, lambda: _turn(paper)) + 5
    _tax_table(paper, y)
    _due_box(paper, y)
    y += 40
    sheet.block(18, y, sheet.wrap(paper.terms, 174, 8.5), 8.5)
    account = supplier.account
    sheet.block(
        18, y + 12, [f"{paper.notation['bank']} : {account.bank if account else ''}", *colons(bank(paper))], 8.5
    )
    foot = f"{supplier.name} - {supplier.register} - {paper.notation['vat_id']} : {supplier.vat_id}"
    sheet.rule(18, 280, 192, 280, 0.3, GREY)
    sheet.text(105, 284, foot, 7, align="center", colour=GREY)
    sheet.text(192, 290, paper.folio, 7, align="right", colour=GREY)


def _tax_table(paper: Paper, y: float) -> None:
    sheet, bill, words = paper.sheet, paper.bill, paper.notation
    height = 6.5 + 5.5 * len(bill.taxes)
    sheet.box(18, y, 80, height)
    sheet.box(18, y, 80, 6, fill="#e4ecef")
    for x, head in ((20, "Taux"), (66, "Base HT"), (96, "TVA")):
        sheet.text(x, y + 4.2, head, 8, bold=True, align="left" if x == 20 else "right")
    for i, tax in enumerate(bill.taxes):
        base = y + 10.5 + 5.5 * i
        sheet.text(20, base, f"{words.number(tax.rate.normalize())} %", 8.5)
        sheet.text(66, base, words.number(tax.base), 8.5, align="right")
        sheet.text(96, base, words.number(tax.amount), 8.5, align="right")


def _due_box(paper: Paper, y: float) -> None:
    sheet, bill, words = paper.sheet, paper.bill, paper.notation
    rows = [
        (words["net"], paper.money(bill.net)),
        ("Total TVA", paper.money(bill.tax)),
        (words["gross"], paper.money(bill.gross)),
    ]
    if bill.prepaid:
        rows.append((words["prepaid"], paper.money(-bill.prepaid)))
    sheet.box(118, y, 74, 12 + 5 * len(rows))
    end = pairs_down(sheet, 121, y + 6, rows, 68, leading=5, right=True)
    sheet.box(118, end - 3, 74, 9, fill=sheet.accent)
    sheet.text(121, end + 3, words["payable"], 10, bold=True, colour="#ffffff")
    sheet.text(189, end + 3, paper.money(bill.payable), 10, bold=True, align="right", colour="#ffffff")


def _turn(paper: Paper) -> float:
    paper.sheet.turn()
    return 25


def freight(paper: Paper) -> None:
    """Dutch: contact block on the right, header-value grid, stripes, everything payable said once more at the foot."""
    sheet, bill, words = paper.sheet, paper.bill, paper.notation
    supplier = bill.supplier
    sheet.text(20, 24, paper.title.upper(), 22, bold=True, colour=sheet.accent)
    lines = [
        *address(supplier),
        supplier.phone,
        supplier.email,
        supplier.register,
        f"{words['vat_id']} {supplier.vat_id}",
    ]
    sheet.block(140, 18, [*lines, *colons(bank(paper))], 8, leading=3.9, bold_first=True)
    sheet.block(20, 48, address(bill.buyer), 10, leading=5)
    if bill.buyer.vat_id:
        sheet.text(20, 66, f"{words['vat_id']} {bill.buyer.vat_id}", 8.5, colour=GREY)
    cells(paper, 20, 74, 170, facts(paper, "number", "date", "due", "customer", "po"), fill=sheet.accent, ink="#ffffff")
    y = items(paper, 20, 94, 240, lambda: _turn(paper))
    y = total_box(paper, 190, y + 2, 84) + 10
    sheet.block(20, y, sheet.wrap(paper.terms, 170), 9)
    sheet.text(20, 288, f"{supplier.name} | {supplier.tagline}", 7.5, colour=GREY)
    sheet.text(190, 288, paper.folio, 7.5, align="right", colour=GREY)


def southern(paper: Paper) -> None:
    """Italian or Spanish form: supplier and addressee in two boxes, a full grid, summary boxes along the foot."""
    sheet, bill, words = paper.sheet, paper.bill, paper.notation
    supplier = bill.supplier
    sheet.box(15, 14, 88, 38, thick=0.8)
    sheet.text(19, 22, supplier.name, 13, bold=True, colour=sheet.accent)
    sheet.block(
        19,
        28,
        [
            supplier.street,
            supplier.city,
            f"{words['phone']} {supplier.phone}",
            f"{words['vat_id']} {supplier.vat_id}",
            supplier.email,
        ],
        8.5,
    )
    sheet.box(109, 14, 86, 38, thick=0.8)
    sheet.text(113, 19.5, "Spett.le" if words.language == "it" else "Cliente", 8, colour=GREY)
    sheet.block(
        113, 27, [*address(bill.buyer), f"{words['vat_id']} {bill.buyer.vat_id}"], 10, leading=5, bold_first=True
    )
    sheet.text(15, 62, paper.title.upper(), 15, bold=True, colour=sheet.accent)
    cells(paper, 15, 66, 180, facts(paper, "number", "date", "customer", "po", "delivered"), fill="#ececec")
    y = items(paper, 15, 84, 225, lambda: _turn(paper))
    y += 5
    rows = totals(paper)
    height = 6 + 5.4 * max(len(rows), 4)
    sheet.box(109, y, 86, height, thick=0.8)
    pairs_down(sheet, 113, y + 6.5, rows, 78, leading=5.4, right=True, strong_last=True)
    sheet.box(15, y, 88, height, thick=0.8)
    account = supplier.account
    pay = [words["bank"], account.bank if account else "", *colons(bank(paper))]
    sheet.block(19, y + 6.5, pay, 8.5, leading=4.6, bold_first=True)
    sheet.block(15, y + height + 8, sheet.wrap(paper.terms, 180, 8.5), 8.5)
    sheet.text(15, 287, supplier.register, 7, colour=GREY)
    sheet.text(195, 287, paper.folio, 7, align="right", colour=GREY)


def american(paper: Paper) -> None:
    """US Letter: bill-to and ship-to, a grid of facts, sales tax, a remittance slip to tear off."""
    sheet, bill = paper.sheet, paper.bill
    supplier = bill.supplier
    sheet.box(18, 14, 12, 12, fill=sheet.accent, line=None)
    sheet.text(24, 22.6, supplier.name[0], 18, bold=True, align="center", colour="#ffffff")
    sheet.text(34, 19, supplier.name, 13, bold=True)
    sheet.block(
        34,
        23.6,
        [f"{supplier.street}, {supplier.city}", f"Phone {supplier.phone} | {supplier.email}"],
        8,
        leading=3.8,
        colour=GREY,
    )
    sheet.text(198, 22, paper.title.upper(), 22, bold=True, align="right", colour=sheet.accent)
    for x, head in ((18, "BILL TO"), (110, "SHIP TO")):
        sheet.text(x, 42, head, 8, bold=True, colour=sheet.accent)
        sheet.rule(x, 43.5, x + 80, 43.5, 0.5, sheet.accent)
        sheet.block(x, 49, address(bill.buyer), 9.5, leading=4.8)
    cells(paper, 18, 68, 180, facts(paper, "number", "date", "due", "po", "customer"), fill="#e7ebf0")
    y = items(paper, 18, 87, 200, lambda: _turn(paper))
    y = total_box(paper, 198, y + 2, 66) + 6
    sheet.text(18, y, paper.terms, 9)
    _remittance(paper)


def _remittance(paper: Paper) -> None:
    sheet, bill = paper.sheet, paper.bill
    for x in range(18, 198, 4):
        sheet.rule(x, 232, x + 2, 232, 0.4, GREY)
    sheet.text(108, 230.5, "Please detach and return with your payment", 7, align="center", colour=GREY)
    sheet.text(18, 240, "REMITTANCE", 10, bold=True)
    sheet.block(18, 246, ["Make payable to:", *address(bill.supplier)], 8.5)
    rows = [*facts(paper, "number", "customer"), (paper.notation["payable"], paper.money(bill.payable)), *bank(paper)]
    pairs_down(sheet, 118, 240, rows, 80, size=8.5, right=True)


def export(paper: Paper) -> None:
    """Japanese export paper in English: centred title, amount due on top, a seal beside the issuer."""
    sheet, bill, words = paper.sheet, paper.bill, paper.notation
    supplier = bill.supplier
    sheet.text(105, 26, paper.title.upper(), 20, bold=True, align="center")
    sheet.rule(80, 29, 130, 29, 0.8)
    sheet.text(20, 42, f"{bill.buyer.name}", 12, bold=True)
    sheet.block(20, 48, address(bill.buyer)[1:], 9)
    pairs_down(sheet, 125, 42, facts(paper, "number", "date", "due", "po"), 34, leading=5)
    sheet.box(20, 68, 86, 14, thick=1)
    sheet.text(24, 77, words["payable"], 10)
    sheet.text(102, 77.4, paper.money(bill.payable), 15, bold=True, align="right")
    end = sheet.block(
        125,
        72,
        [*address(supplier), f"TEL {supplier.phone}", supplier.email, supplier.register],
        8.5,
        leading=4,
        bold_first=True,
    )
    sheet.box(176, end - 20, 14, 14, line="#c0392b", thick=1)
    sheet.text(183, end - 11.5, "KP", 12, bold=True, align="center", colour="#c0392b")
    y = items(paper, 20, 106, 220, lambda: _turn(paper))
    y = total_box(paper, 190, y + 2, 74) + 10
    account = supplier.account
    lines = [f"{words['bank']}: {account.bank if account else ''}", *colons(bank(paper)), paper.terms]
    sheet.block(20, y, lines, 8.5, leading=4.6)
    sheet.text(105, 286, paper.folio, 7.5, align="center", colour=GREY)
