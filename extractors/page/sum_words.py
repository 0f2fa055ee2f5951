"""The words of rows that are no items: sums, taxes, what is carried over from page to page."""

# Texts of rows that are no items: a row is one if it has no other words than these two sets'.
SUMS = frozenset(
    (
        "subtotal subtotaal subtotale total totaal totale totaux zwischensumme positionssumme summe"
        " nettosumme bruttosumme gesamtsumme endsumme rechnungssumme rechnungsbetrag gesamtbetrag"
        " gesamt endbetrag nettobetrag bruttobetrag zahlbetrag steuerbetrag carried brought"
        " ubertrag uebertrag vat mwst ust tva gst iva btw hst tax taxe mehrwertsteuer"
        " umsatzsteuer imposta impuesto imposto riporto reporter net netto neto sum suma"
    ).split()
)
BESIDE_SUMS = frozenset(
    (
        "sub sou brutto gross importe sigue amount betrag montant page seite pagina pagine forward"
        " balance grand general incl excl including excluding included excluded inkl exkl zzgl"
        " zuzuglich inklusive exklusive ohne mit plus over due payable sale rate ht ttc hor hors"
        " previous precedente vorseite nouveau von vom aus auf nach zu bis de la le du di da del"
        " della van per eur euro usd gbp chf value added invoice rechnung facture warenwert satz"
        " taux"
    ).split()
)
# These name items too: a row is no item if its amount says so as well.
MAY_BE_SUMS = frozenset("report reporte transport transporte vortrag balance saldo due".split())
OF_A_PAGE = frozenset("page pagina seite vorseite precedente forward nouveau".split())
