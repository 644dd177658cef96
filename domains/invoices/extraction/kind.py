"""What kind of paper it is: an invoice, a credit note, or none of both."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domains.invoices.extraction.geometry import Sheet, sheets
from domains.invoices.extraction.text import compact
from domains.invoices.records import Layout

CREDIT = (
    "gutschrift", "stornorechnung", "creditnote", "creditmemo", "avoir", "notedecredit", "creditnota", "creditfactuur", "notadicredito",
    "notadecredito", "facturarectificativa", "abono", "kreditnota", "kreditfaktura", "hyvityslasku", "fakturakorygujaca", "dobropis", "kreditfaktura",
    "rechnungskorrektur", "notacredito", "jovairoszamla",
)  # fmt: skip
INVOICE = (
    "rechnung", "invoice", "facture", "factuur", "fattura", "factura", "fatura", "faktura", "lasku", "receipt", "beleg", "quittung", "kassenbon",
    "cashbill", "cashsale", "cashsales", "bill", "szamla", "kvittering", "kvitto", "kuitti", "bon", "ticket", "recibo", "ricevuta", "nota", "abrechnung",
    "taxinvoice", "paragon", "danovydoklad", "statement",
)  # fmt: skip
OTHER = {
    "order": ("bestellung", "purchaseorder", "bondecommande", "inkooporder", "ordinediacquisto", "ordendecompra", "auftragsbestatigung", "orderconfirmation", "inkopsorder", "indkobsordre", "ostotilaus", "zamowienie", "objednavka", "confirmationdecommande", "orderbevestiging", "salesorder", "notadeencomenda", "contract"),
    "delivery note": ("lieferschein", "deliverynote", "packingslip", "packinglist", "bondelivraison", "pakbon", "leverbon", "documentoditrasporto", "albaran", "guiaderemessa", "foljesedel", "folgeseddel", "pakkseddel", "lahete", "rahtikirja", "dodacilist", "wz", "dispatchnote"),
    "quotation": ("angebot", "quotation", "quote", "devis", "offerte", "preventivo", "presupuesto", "orcamento", "offert", "tilbud", "tarjous", "oferta", "nabidka", "kostenvoranschlag", "estimate"),
    "reminder": ("mahnung", "zahlungserinnerung", "paymentreminder", "rappel", "betalingsherinnering", "sollecitodipagamento", "recordatoriodepago", "paminnelse", "rykker", "purring", "maksumuistutus", "wezwaniedozaplaty", "upominka"),
    "account statement": ("kontoauszug", "statementofaccount", "relevedecompte", "rekeningoverzicht", "estrattoconto", "extractodecuenta"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """Whether a document is an invoice or a credit note, and what says so."""

    invoice: bool
    reason: str


def is_invoice(layout: Layout) -> Kind:
    """Whether the pages are an invoice, a credit note or a receipt.

    Conservative: False only where there is no text to speak of, or where the page names itself otherwise and
    nowhere says invoice, or where it shows neither the word for an invoice nor any amount of money.
    """
    pages = sheets(layout.pages)
    texts = [s.text for sheet in pages for s in sheet.segments]
    if sum(len(t) for t in texts) < 20:
        return Kind(False, "there is no text on the pages")
    named = compact(" ".join(texts))
    says_invoice = any(word in named for word in (*INVOICE[:9], *CREDIT, *INVOICE[9:16]))
    other = next((kind for kind, words in OTHER.items() if titled(pages, words)), None)
    if other and not titled(pages, (*INVOICE, *CREDIT)):
        return Kind(False, f"the page calls itself {other}")
    money = any(re.search(r"\d[.,]\d{2}(?!\d)", t) for t in texts)
    if not says_invoice and not money:
        return Kind(False, "the pages show neither the word for an invoice nor an amount of money")
    return Kind(True, "the page calls itself an invoice" if says_invoice else "the page shows amounts of money")


def titled(pages: Sequence[Sheet], words: Sequence[str]) -> bool:
    """Whether a short line on the first page opens with one of the words (or, in German, ends a compound with it)."""
    for segment in pages[0].segments if pages else ():
        if len(segment.tokens) > 6 or segment.box[1] > 0.6 * pages[0].height:
            continue
        line = segment.tokens
        for end in range(1, min(4, len(line)) + 1):
            phrase = "".join(t.plain for t in line[:end])
            if phrase in words or any(len(w) > 6 and phrase.endswith(w) for w in words):
                return True
    return False


def type_code(pages: Sequence[Sheet]) -> tuple[str, float]:
    """The UNTDID 1001 code, as printed in brackets behind the title or by the title's word; with its trust."""
    for sheet in pages[:1]:
        for segment in sheet.segments:
            printed = re.search(r"\((3[2389]\d|575|751|877|261|262|326|384|389)\)", segment.text)
            if printed and segment.box[1] < 0.5 * sheet.height:
                return printed[1], 0.97
    if titled(pages, CREDIT):
        return "381", 0.85
    return "380", 0.8 if titled(pages, INVOICE) else 0.6
