"""What else a field's label says on paper: everyday words of business forms, by the English word
that a field is described with.

English first, then Dutch, French, German, Italian, Portuguese and Spanish. Accents and case do not
count.
"""

_WRITTEN = {
    "address": (
        "street city town postcode zip adres straat adresse rue anschrift strasse ort indirizzo via"
        " endereco rua direccion calle"
    ),
    "account": "iban bank rekening compte konto kontonummer bankverbindung conto conta cuenta",
    "amount": "sum value price bedrag montant betrag importo quantia valor importe",
    "billed": (
        "bill customer client klant facture kunde rechnungsempfanger cliente faturado destinatario"
    ),
    "business": "company firm bedrijf societe entreprise firma unternehmen azienda ditta empresa",
    "buyer": "customer client purchaser koper acheteur kaufer kunde acquirente comprador cliente",
    "company": (
        "firm shop store merchant bedrijf societe firma unternehmen azienda empresa loja tienda"
    ),
    "currency": "valuta devise monnaie wahrung moeda moneda divisa",
    "customer": "client buyer klant kunde cliente",
    "date": "dated day issued issue datum le du data fecha emissao emision ausgestellt",
    "description": (
        "item article product omschrijving designation bezeichnung beschreibung artikel descrizione"
        " descricao descripcion"
    ),
    "due": "payable deadline vervaldatum echeance fallig zahlbar scadenza vencimento vencimiento",
    "iban": "account bank konto rekening compte conto conta cuenta",
    "invoice": "bill factuur facture rechnung fattura fatura factura",
    "name": "naam nom nome nombre",
    "net": "subtotal netto hors imponibile liquido neto nettobetrag",
    "number": (
        "no nr num reference ref nummer numero referenz rechnungsnummer factuurnummer belegnummer"
    ),
    "paid": "pay payable paye betaald bezahlt pagato pago pagado",
    "payee": "beneficiary recipient payable begunstigde beneficiaire empfanger beneficiario",
    "price": "rate prijs prix preis prezzo preco precio",
    "quantity": "qty pieces units aantal quantite menge anzahl quantita quantidade cantidad",
    "seller": (
        "supplier vendor from issuer verkoper leverancier vendeur fournisseur verkaufer lieferant"
        " venditore fornitore proveedor"
    ),
    "shop": "store merchant winkel magasin laden geschaft negozio loja tienda",
    "tax": "vat gst btw tva mwst ust mehrwertsteuer umsatzsteuer steuer iva imposto impuesto",
    "total": "sum due payable totaal gesamt gesamtbetrag summe endbetrag totale",
}

ALSO: dict[str, tuple[str, ...]] = {word: tuple(also.split()) for word, also in _WRITTEN.items()}

# How a line begins that sums up the lines above it.
_CARRIED = (
    "subtotal sub balance carried brought forward rounding zwischensumme ubertrag uebertrag vortrag"
    " report transport riporto subtotaal subtotale positionssumme nettosumme bruttosumme"
    " gesamtsumme endsumme rechnungssumme rechnungsbetrag bruttobetrag zahlbetrag warenwert suma"
    " saldo razem"
)
SUMMING = frozenset(
    (*_CARRIED.split(), *(also for word in ("total", "net", "tax") for also in (word, *ALSO[word])))
)

# Texts of rows that are no items: a row is one if it has no other words than these two sets'.
SUMS = frozenset(
    (
        "subtotal subtotaal subtotale total totaal totale totaux zwischensumme positionssumme summe"
        " nettosumme bruttosumme gesamtsumme endsumme rechnungssumme rechnungsbetrag gesamtbetrag"
        " gesamt endbetrag nettobetrag bruttobetrag zahlbetrag steuerbetrag carried brought ubertrag"
        " uebertrag vat mwst ust tva gst iva btw hst tax taxe mehrwertsteuer umsatzsteuer imposta"
        " impuesto imposto riporto reporter net netto neto sum suma"
    ).split()
)
BESIDE_SUMS = frozenset(
    (
        "sub sou brutto gross importe sigue amount betrag montant page seite pagina pagine forward"
        " balance grand general incl excl including excluding included excluded inkl exkl zzgl"
        " zuzuglich inklusive exklusive ohne mit plus over due payable sale rate ht ttc hor hors"
        " previous precedente vorseite nouveau von vom aus auf nach zu bis de la le du di da del della van"
        " per eur euro usd gbp chf value added invoice rechnung facture warenwert satz taux"
    ).split()
)
# These name items too: a row is no item if its amount says so as well.
MAY_BE_SUMS = frozenset("report reporte transport transporte vortrag balance saldo due".split())
OF_A_PAGE = frozenset("page pagina seite vorseite precedente forward nouveau".split())

# What papers call themselves that are easily taken for something else.
_PAPERS = """
credit note; credit memo; debit note; delivery note; packing slip; packing list; quotation; quote; estimate; offer; purchase order;
order confirmation; sales order; order; proforma invoice; pro forma invoice; account statement; statement of account; bank statement;
statement; payment reminder; reminder; dunning letter; remittance advice; payment advice; pay slip; payslip; contract; agreement;
certificate; application; application form; form; report; letter; bill of lading; waybill; timesheet; expense report; ticket;
boarding pass; policy; gutschrift; lieferschein; angebot; bestellung; auftragsbestatigung; kontoauszug; mahnung; zahlungserinnerung;
vertrag; avoir; bon de livraison; devis; commande; releve; creditnota; pakbon; offerte; bestelbon; nota di credito; preventivo;
albaran; presupuesto; nota de credito; pedido; presentation; user guide; manual; instructions; table of contents; contents
"""
PAPERS = tuple(" ".join(name.split()) for name in _PAPERS.split(";"))
