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

# What papers call themselves, by what they are in English. The English name comes first, then the
# languages as above, then Danish, Norwegian, Swedish, Finnish, Polish and Czech.
_PAPERS = {
    "invoice": """
tax invoice; vat invoice; sales invoice; commercial invoice; rechnung; facture; facture de vente; factuur; fattura; factura;
factura de venta; fatura; faktura; faktura vat; lasku
""",
    "till receipt": """
receipt; cash receipt; sales receipt; cash bill; kassenbon; kassenbeleg; kassenzettel; ticket de caisse; kassabon; scontrino;
scontrino fiscale; kassakvitto; kassebon; paragon; paragon fiskalny; uctenka
""",
    "payment receipt": """
official receipt; quittung; zahlungsbeleg; zahlungsbestatigung; recu; recu de paiement; quittance; kwitantie; betaalbewijs;
betalingsbewijs; ricevuta; ricevuta di pagamento; quietanza; recibo; recibo de pago; recibo de pagamento; comprovante;
comprovante de pagamento; kvittering; kvitto; kuitti; pokwitowanie; payment confirmation; confirmation of payment
""",
    "credit note": """
credit memo; credit memorandum; credit; credit invoice; credit slip; credit advice; sales credit note; gutschrift;
rechnungsgutschrift; gutschriftsanzeige; kreditnote; gutschriftrechnung; avoir; facture d'avoir; facture avoir; note d'avoir;
note de credit; creditnota; creditfactuur; credit nota; credit factuur; kredietnota; nota di credito; nota credito; nota di accredito;
nota de credito; nota de abono; abono; factura de abono; fatura de credito; kreditnota; kreditfaktura; hyvityslasku; dobropis
""",
    "debit note": """
debit memo; debit advice; lastschrift; belastungsanzeige; lastschriftanzeige; note de debit; debetnota; debitnota; nota di debito;
nota de debito; nota de cargo; debetfaktura
""",
    "refund": """
refund note; refund advice; refund receipt; refund invoice; refund confirmation; refund notice; reimbursement; ruckerstattung;
erstattung; ruckzahlung; remboursement; avis de remboursement; terugbetaling; restitutie; rimborso; reembolso; devolucion;
devolucao; nota de devolucion; refusion; tilbagebetaling; aterbetalning; zwrot
""",
    "cancellation invoice": """
cancelled invoice; canceled invoice; void invoice; voided invoice; void; cancelled; canceled; cancellation; reversal;
reversal invoice; reversed invoice; invoice cancellation; storno; stornorechnung; rechnungsstorno; stornobeleg; stornierung;
storniert; storno rechnung; stornierte rechnung; gegenrechnung; annulation; facture annulee; facture d'annulation; annulering;
geannuleerd; annuleringsfactuur; stornofactuur; annullamento; annullata; annullato; fattura di storno; fattura annullata;
storno fattura; anulacion; anulada; anulado; factura anulada; factura de anulacion; anulacao; fatura anulada; makuleret; makulerad;
stornofaktura; factura storno; faktura stornujaca
""",
    "corrected invoice": """
correction invoice; correcting invoice; corrective invoice; amended invoice; revised invoice; adjusted invoice; invoice correction;
adjustment note; correction; rechnungskorrektur; korrekturrechnung; korrigierte rechnung; rechnungsberichtigung; berichtigung;
berichtigte rechnung; korrektur; facture rectificative; facture corrigee; facture de correction; correctiefactuur; correctienota;
gecorrigeerde factuur; fattura rettificativa; fattura di rettifica; nota di variazione; factura rectificativa; factura rectificada;
factura de rectificacion; fatura retificativa; fatura corrigida; korrigeringsfaktura; korrektionsfaktura; faktura korygujaca;
faktura korygująca; korekta; korekta faktury; opravny danovy doklad
""",
    "proforma invoice": """
pro forma invoice; proforma; pro forma; proformarechnung; proforma rechnung; pro forma rechnung; vorausrechnung; facture proforma;
facture pro forma; proformafactuur; proforma factuur; pro forma factuur; fattura proforma; fattura pro forma; factura proforma;
factura pro forma; fatura proforma; fatura pro forma; proformafaktura; proforma faktura; faktura proforma; faktura pro forma;
proformalasku
""",
    "draft": """
draft invoice; sample; sample invoice; specimen; entwurf; rechnungsentwurf; muster; musterrechnung; brouillon; projet de facture;
concept; conceptfactuur; voorbeeldfactuur; bozza; borrador; rascunho; kladde; utkast; not an invoice; this is not an invoice
""",
    "delivery note": """
delivery slip; delivery docket; delivery order; delivery receipt; delivery advice; dispatch note; despatch note; dispatch advice;
goods received note; shipping note; lieferschein; warenbegleitschein; bon de livraison; bordereau de livraison; note de livraison;
leverbon; leveringsbon; afleverbon; vrachtbon; afleveringsbewijs; documento di trasporto; ddt; bolla; bolla di consegna;
bolla di accompagnamento; nota di consegna; nota de entrega; albaran; albaran de entrega; guia de remessa; guia de transporte;
guia de remision; nota de remessa; folgeseddel; følgeseddel; pakkseddel; foljesedel; lahete; lahetyslista; dodaci list;
dokument wydania; wydanie zewnetrzne
""",
    "packing slip": "packing list; packliste; packzettel; liste de colisage; bon d'expedition; pakbon; paklijst; lista de empaque; packsedel",
    "return note": "return slip; returns form; ruckschein; retourenschein; rucksendeschein; bon de retour; retourbon; nota di reso; nota de retorno",
    "quotation": """
quote; price quote; price quotation; sales quote; sales quotation; estimate; cost estimate; offer; sales offer; proposal; bid; tender;
angebot; kostenvoranschlag; preisangebot; devis; offre; offre de prix; proposition commerciale; offerte; prijsopgave; prijsofferte;
preventivo; offerta; preventivo di spesa; presupuesto; cotizacion; oferta; oferta comercial; orcamento; cotacao; proposta;
proposta comercial; tilbud; offert; tarjous; wycena; nabidka; cenova nabidka
""",
    "purchase order": """
order; order form; bestellung; bestellschein; auftrag; commande; bon de commande; bestelling; bestelbon; bestelformulier; inkooporder;
ordine; ordine di acquisto; ordine d'acquisto; buono d'ordine; pedido; pedido de compra; orden de compra; encomenda;
ordem de compra; nota de encomenda; ordre; bestilling; indkøbsordre; innkjøpsordre; inkopsorder; tilaus; ostotilaus; zamowienie;
zamówienie; objednavka
""",
    "sales order": "kundenauftrag; verkaufsauftrag; verkooporder; ordine di vendita; orden de venta; pedido de venta; salgsordre; forsaljningsorder",
    "order confirmation": """
order acknowledgement; order acknowledgment; confirmation of order; auftragsbestatigung; bestellbestatigung; confirmation de commande;
accuse de reception de commande; orderbevestiging; bestelbevestiging; opdrachtbevestiging; conferma d'ordine; conferma ordine;
conferma di ordine; confirmacion de pedido; confirmacao de encomenda; confirmacao de pedido; ordrebekræftelse; ordrebekreftelse;
orderbekraftelse; tilausvahvistus; potwierdzenie zamowienia; potwierdzenie zamówienia; potvrzeni objednavky
""",
    "statement": """
account statement; statement of account; statement of accounts; customer statement; billing statement; monthly statement;
statement of invoices; outstanding statement; rechnungsaufstellung; rechnungsubersicht; saldenmitteilung; saldenbestatigung;
saldobestatigung; offene posten; offene posten liste; kontoubersicht; releve; releve de compte; releve de factures; etat de compte;
rekeningoverzicht; facturenoverzicht; openstaande posten; klantoverzicht; estratto conto; estado de cuenta; extracto;
extracto de cuenta; extrato; extrato de conta; kontoudskrift; kontoutskrift; reskontraote; zestawienie faktur
""",
    "bank statement": """
kontoauszug; releve bancaire; releve d'identite bancaire; rekeningafschrift; bankafschrift; estratto conto bancario;
extracto bancario; extrato bancario; kontoudtog; kontoutdrag; tiliote; wyciag bankowy; vypis z uctu
""",
    "payment reminder": """
reminder; first reminder; second reminder; third reminder; final reminder; reminder notice; reminder letter; reminder invoice;
overdue notice; overdue reminder; overdue invoice; past due; past due notice; past due invoice; first notice; second notice;
final notice; final demand; dunning letter; dunning notice; demand; demand letter; demand for payment; payment demand;
collection notice; collection letter; mahnung; erste mahnung; zweite mahnung; dritte mahnung; letzte mahnung; mahnschreiben;
mahnbescheid; zahlungserinnerung; zahlungsaufforderung; erinnerung; rappel; rappel de paiement; rappel de facture; dernier rappel;
premier rappel; relance; lettre de relance; relance de paiement; mise en demeure; betalingsherinnering; herinnering; aanmaning;
eerste herinnering; tweede herinnering; laatste herinnering; ingebrekestelling; sollecito; sollecito di pagamento;
secondo sollecito; promemoria di pagamento; recordatorio; recordatorio de pago; aviso de vencimiento; reclamacion de pago;
requerimiento de pago; lembrete; lembrete de pagamento; aviso de cobranca; aviso de vencimento; cobranca; rykker; rykkerskrivelse;
rykkerbrev; betalingspamindelse; betalingspåmindelse; purring; betalingspurring; betalingspaminnelse; inkassovarsel; inkasso;
paminnelse; betalningspaminnelse; maksumuistutus; maksukehotus; wezwanie do zaplaty; wezwanie do zapłaty; przypomnienie;
przypomnienie o platnosci; upominka; upominka platby
""",
    "remittance advice": """
remittance; payment advice; payment notice; payment notification; zahlungsavis; avis; avis de paiement; avis de virement;
betaaladvies; betalingsadvies; betaalspecificatie; betalingsspecificatie; avviso di pagamento; avviso di bonifico; aviso de pago;
aviso de transferencia; aviso de pagamento; betalingsadvis; betalningsavi; potwierdzenie przelewu
""",
    "pay statement of wages": """
payslip; pay stub; salary slip; wage slip; lohnabrechnung; gehaltsabrechnung; lohnzettel; bulletin de paie; bulletin de salaire;
fiche de paie; loonstrook; salarisstrook; loonbrief; busta paga; cedolino; nomina; recibo de nomina; recibo de vencimento;
holerite; contracheque; lonseddel; lonnsslipp; lonespecifikation; palkkalaskelma
""",
    "contract": """
agreement; vertrag; contrat; accord; contract; overeenkomst; contratto; accordo; contrato; acuerdo; acordo; kontrakt; aftale; avtale;
avtal; sopimus; umowa; smlouva
""",
    "timesheet": "time sheet; stundenzettel; stundennachweis; feuille de temps; urenstaat; urenregistratie; foglio ore; hoja de horas",
    "expense report": "expense claim; spesenabrechnung; reisekostenabrechnung; note de frais; declaratie; nota spese; informe de gastos",
    "bill of lading": "waybill; air waybill; consignment note; frachtbrief; lettre de voiture; vrachtbrief; lettera di vettura; carta de porte",
    "certificate": "zertifikat; bescheinigung; certificat; attestation; certificaat; certificato; certificado",
    "application": "application form; antrag; demande; aanvraag; domanda; solicitud; requerimento",
    "report": "bericht; rapport; rapporto; informe; relatorio; raport",
    "form": "formular; formulaire; formulier; modulo; formulario",
    "letter": "brief; lettre; lettera; carta",
    "ticket": "boarding pass; fahrkarte; billet; biglietto; billete; bilhete",
    "policy": "versicherungsschein; police d'assurance; polis; polizza; poliza; apolice",
    "work order": "job sheet; arbeitsauftrag; bon de travail; bon d'intervention; werkbon; ordine di lavoro; orden de trabajo",
    "manual": "user guide; instructions; presentation; table of contents; contents",
}
PAPERS: dict[str, tuple[str, ...]] = {
    paper: tuple(" ".join(name.split()) for name in (paper, *names.split(";")))
    for paper, names in _PAPERS.items()
}

# Words beside a title that leave the paper what it is: "Monthly invoice", "Schlussrechnung".
_HARMLESS = """
the our your and und et en ed of page original copy duplicate duplicata duplicado kopie copie kopia copia sales tax vat gst mwst tva iva
btw moms commercial customer supplier service services final interim partial part monthly quarterly annual yearly weekly export
domestic rental electronic digital online local company standard simple detailed itemized itemised
schluss end teil abschlags zwischen sammel monats quartals jahres verkaufs ausgangs handels honorar miet strom gas wasser telefon
mobilfunk internet handwerker arzt hotel reparatur werkstatt waren kunden einzel dienstleistungs
verkoop eind deel termijn voorschot verzamel maand salgs slut del samle samlings forsaljnings
elettronica immediata differita accompagnatoria electronica ordinaria comercial commerciale venta vente
danovy doklad kundenexemplar continued continuation fortsetzung suite vervolg segue continuacion continuacao
"""
HARMLESS = frozenset(_HARMLESS.split())

# What a company's name ends with.
COMPANY_FORMS = frozenset(
    "inc incorporated ltd limited llc llp plc corp corporation co pty gmbh ag kg ohg ug mbh gbr sarl sas sasu eurl sa srl spa snc bv nv"
    " vof oy oyj ab aps sro lda sl slu sociedad societe".split()
)
