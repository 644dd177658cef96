"""What each country calls the parts of an invoice, and its printed words for UN/ECE unit codes."""

from collections.abc import Mapping


def _words(text: str) -> Mapping[str, str]:
    """One `key: words` a line."""
    rows = (line.strip().partition(": ") for line in text.strip().splitlines())
    return {key: words for key, _, words in rows}


_CODES = ("H87", "HUR", "MTR", "KGM", "XBX", "MON", "LS", "DAY")
_PRINTED = _words("""
    de: Stk.|Std.|m|kg|Karton|Monat|psch.|Tag
    en: pcs|hrs|m|kg|box|month|lump sum|day
    fr: pce|h|m|kg|boîte|mois|forfait|jour
    nl: st.|uur|m|kg|doos|maand|vast|dag
    it: pz|ore|m|kg|scat.|mese|a corpo|gg
    es: ud.|h|m|kg|caja|mes|global|día
""")
UNITS: Mapping[str, Mapping[str, str]] = {
    language: dict(zip(_CODES, line.split("|"), strict=True)) for language, line in _PRINTED.items()
}
"""The printed word for a UN/ECE unit code, by language."""

GERMAN = _words("""
    380: Rechnung
    381: Gutschrift
    number: Rechnungsnummer
    number_381: Gutschriftnummer
    date: Rechnungsdatum
    due: Fällig am
    delivered: Lieferdatum
    customer: Kundennummer
    po: Ihre Bestellnummer
    corrects: Zu Rechnung
    page: Seite {n} von {of}
    pos: Pos.
    article: Artikel
    text: Bezeichnung
    quantity: Menge
    unit: Einheit
    price: Einzelpreis
    rate: USt. %
    total: Gesamt
    line_sum: Zwischensumme
    net: Nettobetrag
    tax: zzgl. {rate} % USt. auf {base}
    gross: Gesamtbetrag
    prepaid: Abzgl. Anzahlung
    payable: Zahlbetrag
    carry: Übertrag
    vat_id: USt-IdNr.
    terms: Bitte überweisen Sie den Betrag bis zum {due} ohne Abzug auf das unten genannte Konto.
    refund: Den Betrag von {gross} schreiben wir Ihrem Kundenkonto gut.
    bank: Bankverbindung
    phone: Tel.
""")
SWISS = {
    **GERMAN,
    **_words("""
    tax: MWST {rate} % auf {base}
    rate: MWST %
    vat_id: UID
    gross: Rechnungstotal
    net: Total exkl. MWST
    terms: Zahlbar bis {due} mit untenstehendem Einzahlungsschein.
    """),
}
ENGLISH = _words("""
    380: Invoice
    381: Credit Note
    number: Invoice No.
    number_381: Credit Note No.
    date: Invoice Date
    due: Payment Due
    delivered: Supply Date
    customer: Account No.
    po: Your Order No.
    corrects: Against Invoice
    page: Page {n} of {of}
    pos: #
    article: Item
    text: Description
    quantity: Qty
    unit: Unit
    price: Unit Price
    rate: VAT %
    total: Amount
    line_sum: Subtotal
    net: Total excl. VAT
    tax: VAT at {rate}% on {base}
    gross: Total incl. VAT
    prepaid: Less deposit paid
    payable: Amount Due
    carry: Carried forward
    vat_id: VAT Reg. No.
    terms: Payment is due by {due}. Please quote the invoice number with your transfer.
    bank: Bank details
    phone: Tel
""")
AMERICAN = {
    **ENGLISH,
    **_words("""
    number: Invoice #
    date: Invoice Date
    due: Due Date
    po: P.O. Number
    customer: Customer ID
    delivered: Ship Date
    net: Subtotal
    tax: Sales Tax ({rate}%)
    gross: Total
    payable: Balance Due
    terms: Please remit payment by {due}. Thank you for your business!
    """),
}
JAPANESE = {
    **ENGLISH,
    **_words("""
    net: Subtotal
    tax: Consumption tax {rate}%
    gross: Total
    payable: Amount Due
    due: Payment Due Date
    date: Date of Issue
    po: Order No.
    terms: Please remit in Japanese yen by {due}; bank charges are borne by the remitter.
    """),
}
FRENCH = _words("""
    380: Facture
    381: Avoir
    number: Facture n°
    date: Date de facture
    due: Échéance
    delivered: Date de livraison
    customer: Code client
    po: Votre commande
    page: Page {n} / {of}
    pos: N°
    article: Réf.
    text: Désignation
    quantity: Qté
    unit: Unité
    price: P.U. HT
    rate: TVA %
    total: Montant HT
    line_sum: Sous-total HT
    net: Total HT
    tax: TVA {rate} %
    gross: Total TTC
    prepaid: Acompte versé
    payable: Net à payer
    carry: Report
    vat_id: N° TVA intracommunautaire
    terms: Règlement par virement au plus tard le {due}. Indemnité forfaitaire pour frais de recouvrement : 40 €.
    bank: Coordonnées bancaires
    phone: Tél.
""")
DUTCH = _words("""
    380: Factuur
    381: Creditnota
    number: Factuurnummer
    date: Factuurdatum
    due: Vervaldatum
    delivered: Leverdatum
    customer: Debiteurnr.
    po: Uw referentie
    page: Pagina {n} van {of}
    pos: Nr.
    article: Artikel
    text: Omschrijving
    quantity: Aantal
    unit: Eenheid
    price: Prijs
    rate: Btw %
    total: Bedrag
    line_sum: Subtotaal
    net: Totaal excl. btw
    tax: Btw {rate}% over {base}
    gross: Totaal incl. btw
    prepaid: Aanbetaling
    payable: Te betalen
    carry: Transport
    vat_id: Btw-nr.
    terms: Wij verzoeken u het bedrag vóór {due} over te maken onder vermelding van het factuurnummer.
    bank: Bank
    phone: Tel.
""")
ITALIAN = _words("""
    380: Fattura
    381: Nota di credito
    number: Fattura n.
    date: Data fattura
    due: Scadenza
    delivered: Data consegna
    customer: Cod. cliente
    po: Vs. ordine
    page: Pag. {n} di {of}
    pos: N.
    article: Codice
    text: Descrizione
    quantity: Q.tà
    unit: U.M.
    price: Prezzo unit.
    rate: IVA %
    total: Importo
    line_sum: Totale merce
    net: Imponibile
    tax: IVA {rate}%
    gross: Totale documento
    prepaid: Acconto versato
    payable: Netto a pagare
    carry: Riporto
    vat_id: P. IVA
    terms: Pagamento: bonifico bancario entro il {due}.
    bank: Banca d'appoggio
    phone: Tel.
""")
SPANISH = _words("""
    380: Factura
    381: Factura rectificativa
    number: Factura n.º
    date: Fecha de factura
    due: Vencimiento
    delivered: Fecha de entrega
    customer: Cód. cliente
    po: Su pedido
    page: Página {n} de {of}
    pos: N.º
    article: Código
    text: Descripción
    quantity: Cant.
    unit: Unidad
    price: Precio
    rate: IVA %
    total: Importe
    line_sum: Suma
    net: Base imponible
    tax: IVA {rate} %
    gross: Total factura
    prepaid: Anticipo
    payable: Total a pagar
    carry: Suma y sigue
    vat_id: NIF
    terms: Forma de pago: transferencia bancaria, vencimiento {due}.
    bank: Datos bancarios
    phone: Tel.
""")
