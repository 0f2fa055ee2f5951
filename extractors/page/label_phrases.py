"""What labels say on business papers: whole phrases, by what they name.

English first, then German, French, Dutch, Italian, Spanish and Portuguese.  Case, accents, spaces
and punctuation do not count: "Rechnungs-Nr." is ``rechnungs nr``.  Phrases of one name stand in
tiers, the surest first: a lower tier counts only where no higher one has a value.
"""

from extractors.page.folding import squeezed

# The words of a paper that its own number follows.
PAPER = """
invoice; tax invoice; vat invoice; sales invoice; commercial invoice; invoice ref; bill; credit note; credit memo; rechnung; rechnungs;
gutschrift; facture; facture d acompte; avoir; factuur; creditnota; fattura; nota di credito; factura; fatura; nota de credito; faktura
"""
_NUMBER_WORDS = (
    "no; nr; nos; num; number; nummer; numero; n; id; reference; ref; de facture; do; da; n o"
)

# The papers and things whose number or date is not the invoice's own.
OTHERS = """
order; purchase; po; delivery; shipment; contract; customer; client; account; quote; quotation; project; bestellung; auftrag; angebot;
lieferschein; lieferung; vertrag; kunde; kunden; commande; livraison; contrat; devis; bestelling; klant; pakbon; ordine; cliente;
contratto; pedido; albaran; contrato; encomenda; gemass; gemaess; laut; according; selon; original; ursprungliche; vorherige; previous;
zur; zu; zum; fur; for; pour; per; to
"""

TIERS: dict[str, tuple[str, ...]] = {
    "number": (
        # with a word of PAPER, made below
        "rechnungsnummer; rechnungsnr; factuurnummer; numero fattura; numero de factura; numero da fatura; numero de facture;"
        " numero facture; no de facture; n de facture; facture n; document number; document no",
    ),
    "date": (
        "invoice date; date of invoice; tax invoice date; bill date; billing date; rechnungsdatum; datum der rechnung; belegdatum;"
        " date de facture; date facture; date de la facture; date de facturation; factuurdatum; data fattura; data della fattura;"
        " fecha de factura; fecha factura; fecha de la factura; data da fatura; data fatura",
        "issue date; date of issue; issued; issued on; date issued; dated; invoice dated; ausstellungsdatum; ausgestellt am;"
        " date d emission; date emission; emise le; datum van uitgifte; data di emissione; data emissione; fecha de emision;"
        " fecha emision; data de emissao",
        "date; datum; fecha; data",
    ),
    "due_date": (
        "due date; payment due date; payment due; payment due by; payment due on; due; due by; due on; due for payment; payable by;"
        " payable on; payable until; pay by; please pay by; to be paid by; pay before; fallig; fallig am; fallig bis; fallig zum;"
        " falligkeit; falligkeitsdatum; zahlbar bis; zahlbar bis zum; zahlbar am; zu zahlen bis; zahlungsziel; zahlungsfrist;"
        " zahlung bis; zahlung fallig am; zahlungstermin; date d echeance; date echeance; echeance; echeance le; echeance au;"
        " a payer avant; a payer avant le; a regler avant le; payable le; payable avant le; date limite de paiement; vervaldatum;"
        " vervaldag; uiterste betaaldatum; te betalen voor; te voldoen voor; scadenza; data scadenza; data di scadenza;"
        " scadenza pagamento; da pagare entro; da pagare entro il; vencimiento; fecha de vencimiento; fecha vencimiento;"
        " pagar antes del; vencimento; data de vencimento; data vencimento; pagar ate",
    ),
    "net": (
        "net; net total; total net; net amount; net sum; net value; amount net; net subtotal; total excl vat; total excluding vat;"
        " total excl tax; total ex vat; total ex tax; total excluding tax; total without tax; total before tax; total before vat;"
        " amount excl vat; amount excluding vat; amount before tax; taxable amount; sum before tax; rechnungssumme ohne ust;"
        " summe ohne ust; summe ohne mwst; netto; nettobetrag; nettosumme; summe netto; gesamt netto; gesamtbetrag netto;"
        " gesamtsumme netto; netto gesamt; nettogesamtbetrag; rechnungsbetrag netto; betrag netto; nettorechnungsbetrag;"
        " total ht; montant ht; total hors taxe; total hors taxes; montant hors taxe; montant hors taxes; total net ht; net ht;"
        " montant total ht; sous total ht; totaal excl btw; totaal exclusief btw; bedrag excl btw; netto bedrag; totaal netto;"
        " imponibile; totale imponibile; base imponibile; base imponible; totale netto; importo netto; total sin iva; importe neto;"
        " total neto; neto; total sem iva; valor sem iva; total liquido",
        "subtotal; sub total; zwischensumme; sous total; subtotaal; subtotale; sum",
    ),
    "tax": (
        "total tax; tax total; total vat; vat total; total taxes; tax amount; vat amount; amount of tax; amount of vat; total gst;"
        " steuerbetrag; gesamtsteuerbetrag; summe mwst; summe ust; summe steuern; mwst gesamt; mwst betrag; mehrwertsteuerbetrag;"
        " umsatzsteuerbetrag; total tva; montant tva; montant de la tva; totaal btw; btw bedrag; btw totaal; totale iva; importo iva;"
        " totale imposta; cuota iva; total iva; importe iva; valor do iva; total do iva",
        "vat; tax; sales tax; gst; hst; mwst; ust; mehrwertsteuer; umsatzsteuer; zzgl mwst; zzgl ust; zuzuglich mwst; tva; btw; iva",
    ),
    "total": (
        "grand total; total incl vat; total including vat; total incl tax; total including tax; total with tax; total inc vat;"
        " total gross; gross total; gross amount; gross; invoice total; total invoice; total invoice amount; bruttosumme;"
        " bruttobetrag; brutto; gesamt brutto; summe brutto; gesamtbetrag brutto; gesamtsumme brutto; brutto gesamt;"
        " rechnungsbetrag; rechnungsendbetrag; rechnungssumme; endbetrag; endsumme; gesamtrechnungsbetrag; total ttc; montant ttc;"
        " montant total ttc; totaal incl btw; totaal inclusief btw; factuurtotaal; totale fattura; totale documento;"
        " total factura; total con iva; total fatura; total com iva",
        "total; total amount; total sum; gesamt; gesamtbetrag; gesamtsumme; totaal; totaalbedrag; totale; importe total; montant total;"
        " valor total",
        "total due; amount due; total amount due; balance due; total payable; amount payable; total to pay; amount to pay; to pay;"
        " zahlbetrag; zu zahlen; zu zahlender betrag; zahlungsbetrag; net a payer; total a payer; montant a payer; te betalen;"
        " totaal te betalen; totale da pagare; netto a pagare; total a pagar; importe a pagar; valor a pagar",
    ),
    # of no field of an invoice; a value under them is not the field's
    "other_date": (
        "delivery date; date of delivery; order date; date of order; ship date; shipping date; shipped; service date; date of supply;"
        " date of service; print date; statement date; contract date; lieferdatum; leistungsdatum; liefer und leistungsdatum;"
        " lieferdatum leistungsdatum; bestelldatum; auftragsdatum; vertragsdatum; druckdatum; geburtsdatum; date of birth;"
        " date de livraison; date de commande; date de la commande; leverdatum; besteldatum; orderdatum; data di consegna;"
        " data consegna; data ordine; fecha de entrega; fecha de pedido; fecha pedido; data de entrega; data da encomenda",
    ),
    "other_number": (
        "order number; order no; purchase order; purchase order no; purchase order number; po number; po no; customer number;"
        " customer no; customer id; account number; account no; contract number; contract no; delivery note; delivery note no;"
        " quote number; quote no; project number; vat number; vat no; vat id; tax id; tax number; registration number;"
        " company registration; article number; bestellnummer; bestell nr; bestellung; auftragsnummer; auftrags nr; kundennummer;"
        " kunden nr; lieferscheinnummer; lieferschein nr; lieferavis; vertragsnummer; steuernummer; ust id nr; ust idnr; ust id;"
        " umsatzsteuer id; handelsregisternummer; globale nummer; numero de commande; no de commande; n de commande; numero client;"
        " no client; n client; numero de tva; siret; siren; bestelnummer; ordernummer; klantnummer; btw nummer; kvk; kvk nummer;"
        " numero ordine; ordine n; codice cliente; partita iva; p iva; codice fiscale; numero de pedido; pedido n; numero de cliente;"
        " nif; cif; contribuinte; your reference; your ref; our reference; our ref; agreement ref; ihre referenz; unser zeichen;"
        " ihr zeichen; referenz des kaufers; mandatsreferenz",
    ),
    "other_amount": (
        "prepaid; paid; amount paid; advance; advance payment; deposit; discount; allowance; shipping; freight; charges; rounding;"
        " residual; anzahlung; anzahlungen; erhaltene anzahlungen; rabatt; skonto; versand; versandkosten; positionssumme; acompte;"
        " remise; escompte; frais de port; korting; verzendkosten; aanbetaling; sconto; acconto; spese di spedizione; descuento;"
        " anticipo; portes; desconto; adiantamento",
    ),
}  # fmt: skip

# Who is who: what heads the name and address of a party.
PARTIES: dict[str, str] = {
    "seller": "seller; sold by; supplier; vendor; issued by; bill from; billed by; from; verkaufer; lieferant; leistungserbringer;"
    " rechnungssteller; vendeur; fournisseur; emetteur; emis par; verkoper; leverancier; venditore; fornitore; cedente;"
    " vendedor; proveedor; emisor; fornecedor",
    "buyer": "buyer; bill to; billed to; invoice to; invoiced to; sold to; customer; client; purchaser; kaufer;"
    " kaufer leistungsempfanger; leistungsempfanger; rechnungsempfanger; rechnung an; kunde; acheteur; facture a; facturer a;"
    " adresse de facturation; destinataire; koper; klant; factuur aan; acquirente; cessionario; destinatario; cliente;"
    " comprador; facturar a; faturar a; billing address; rechnungsadresse; rechnungsanschrift; factuuradres",
    "other": "ship to; deliver to; delivery address; shipping address; lieferadresse; lieferanschrift; warenempfanger;"
    " abweichender warenempfanger; abweichender zahlungsempfanger; zahlungsempfanger; remit to; pay to; livrer a; livre a;"
    " adresse de livraison; afleveradres; destinazione; direccion de envio; bank details; bankverbindung; contact; kontakt;"
    " sales contact; ansprechpartner",
}  # fmt: skip

Named = tuple[str, int]  # what a phrase names, and its tier


def _split(phrases: str) -> list[str]:
    return [squeezed(phrase) for phrase in phrases.split(";")]


PAPERS = frozenset(_split(PAPER))
OTHER_PAPERS = frozenset(_split(OTHERS))
NUMBER_WORDS = frozenset(_split(_NUMBER_WORDS))
NAMES: dict[str, Named] = {
    phrase: (name, tier)
    for name, tiers in TIERS.items()
    for tier, phrases in enumerate(tiers)
    for phrase in _split(phrases)
} | {paper + word: ("number", 0) for paper in PAPERS for word in NUMBER_WORDS}
PARTY: dict[str, str] = {
    phrase: name for name, phrases in PARTIES.items() for phrase in _split(phrases)
}

# A clause with one of the first says when to pay; with one of the second, when to pay less.
PAYING = frozenset(
    """
    zahlbar fallig falligkeit uberweisen begleichen bezahlen zahlen zahlung netto ausgleichen due pay paid payable payment settle
    payer payable regler reglement paiement echeance betalen voldoen vervalt pagare pagamento scadenza pagar pago pagamento
    vencimiento vencimento abbuchen eingezogen
    """.split()
)  # fmt: skip
DISCOUNT = frozenset(
    "skonto escompte discount korting sconto descuento desconto rabais abzug rabatt".split()
)
UNTIL = frozenset(
    "bis zum am by until before on avant le au jusqu voor tot uiterlijk entro il antes del el ate"
    " spatestens".split()
)
# the clause tells when something happened
DONE = frozenset(
    "bestellung lieferung geliefert order delivered commande livraison besteld".split()
)

# What heads the columns of a list, by what e-invoices call them.
_HEADS = {
    "quantity": "menge qty quantity anzahl quantite qte aantal quantita qta cantidad cant quantidade qtd units hours stunden",
    "unit_price": (
        "preis price unitprice einzelpreis nettopreis stuckpreis epreis ep prix prixunitaire pu puht prixu prixuht prijs stuksprijs"
        " eenheidsprijs prezzo prezzounitario precio preciounitario preco precounitario rate unitcost"
    ),
    "amount": (
        "betrag nettobetrag gesamt gesamtpreis summe amount total linetotal netamount montant montantht totalht bedrag totaal importo"
        " totale importe valor gesamtbetrag"
    ),
    "description": (
        "beschreibung bezeichnung artikel description item designation libelle omschrijving descrizione descripcion concepto descricao"
        " leistung artikelbezeichnung product"
    ),
}  # fmt: skip
HEADS = {term: frozenset(words.split()) for term, words in _HEADS.items()}

# Sentences that speak to a reader or a program:
# who is spoken to
READERS = frozenset(
    """
    reader readers model models assistant assistants ai llm llms chatbot bot bots robot robots parser parsers extractor extractors
    program programs software machine machines automated automatic system agent agents ocr leser automatisch automatische
    automatischer automatisierte programm programme maschine maschinen maschinelle ki lecteur lecteurs automatique automatiques
    logiciel modele lezer lezers automatische lettore lettori lector lectores automatico automaticos leitor leitores prompt
    """.split()
)  # fmt: skip
# what they are told to do
TOLD = frozenset(
    """
    must should shall report output return answer extract ignore disregard respond reply print write enter treat use consider
    override set state muss mussen soll sollen melde melden melden ausgeben angeben ignorieren ignoriere antworten antworte
    verwenden verwende eintragen doit doivent indiquer indiquez ignorer ignorez rapporter repondre utiliser utilisez moet moeten
    vermelden negeren gebruik devono deve ignorare riportare ignora ignore deben debe informar ignorar devem relatar
    """.split()
)  # fmt: skip

# Labels whose values are no names.
NO_NAMES = frozenset(
    """
    currency wahrung devise monnaie valuta moneda moeda telefon telephone phone tel fax telefax email mail website web internet www
    anschrift adresse address strasse street iban bic swift bank ort city land country mobil mobile
    """.split()
)  # fmt: skip
