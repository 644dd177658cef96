"""Words of a PDF's text: split where a reader sees a gap, whole where none is."""

from domains.invoices.reading import Opened

from .conftest import Open
from .papers import Sheet, letter


def texts(opened: Opened) -> list[str]:
    assert opened.layout is not None
    return [word.text for word in opened.layout.pages[0].words]


def test_words_come_in_reading_order_whatever_the_order_of_the_file(opened: Open) -> None:
    sheet = letter().text("last", y=100).text("middle", y=300).text("first", x=20, y=820).text("second", x=90, y=820)
    words = texts(opened(sheet.pdf()))
    assert words[:2] == ["first", "second"]
    assert words[-2:] == ["middle", "last"]


def test_an_amount_is_one_word(opened: Open) -> None:
    assert "1.234,56" in texts(opened(letter().text("EUR 1.234,56").pdf()))


def test_pieces_drawn_one_by_one_without_a_gap_are_one_word(opened: Open) -> None:
    sheet = letter()
    sheet.content += b"BT /F1 12 Tf 50 500 Td (1.2) Tj (34) Tj (,56) Tj ET\n"
    assert "1.234,56" in texts(opened(sheet.pdf()))


def test_a_gap_parts_words_even_without_a_space_in_the_file(opened: Open) -> None:
    sheet = letter()
    sheet.content += b"BT /F1 12 Tf 50 500 Td [(Global)-190(Wholesaler)] TJ ET\n"
    assert {"Global", "Wholesaler"} <= set(texts(opened(sheet.pdf())))


def test_kerning_parts_no_word(opened: Open) -> None:
    sheet = letter()
    sheet.content += b"BT /F1 12 Tf 50 500 Td [(In)40(vo)-60(i)20(ce)] TJ ET\n"
    assert "Invoice" in texts(opened(sheet.pdf()))


def test_a_spaced_out_heading_is_one_word(opened: Open) -> None:
    assert "RECHNUNG" in texts(opened(letter().text("R E C H N U N G", y=500).pdf()))
    assert "RECHNUNG" in texts(opened(letter().text("RECHNUNG", y=500, before="4 Tc").pdf()))


def test_spaced_out_words_stay_two(opened: Open) -> None:
    assert {"RECHNUNG", "KOPIE"} <= set(texts(opened(letter().text("R E C H N U N G   K O P I E", y=500).pdf())))


def test_three_initials_stay_apart(opened: Open) -> None:
    assert {"A", "B", "C"} <= set(texts(opened(letter().text("A B C", y=500).pdf())))


def test_text_printed_twice_for_boldness_is_read_once(opened: Open) -> None:
    sheet = letter().text("Total", y=500).text("Total", x=50.4, y=500)
    assert texts(opened(sheet.pdf())).count("Total") == 1


def test_umlauts_and_the_euro_sign_are_read(opened: Open) -> None:
    assert {"Größe", "5,00", "€"} <= set(texts(opened(letter().text("Größe 5,00 €").pdf())))


def test_a_box_lies_around_its_word_from_the_top_left(opened: Open) -> None:
    layout = opened(letter().text("Summit", x=100, y=400, size=10).pdf()).layout
    assert layout is not None
    box = next(word.box for word in layout.pages[0].words if word.text == "Summit")
    assert (round(box[0]), round(box[1]), round(box[3])) == (100, 435, 444)
    assert 130 < box[2] < 140


def test_a_rotated_page_is_read_as_it_is_shown(opened: Open) -> None:
    sheet = letter()
    sheet.rotate = 90
    opened_upright, turned = opened(letter().pdf()), opened(sheet.pdf())
    assert turned.layout is not None
    assert sorted(texts(turned)) == sorted(texts(opened_upright))
    assert (turned.layout.pages[0].width, turned.layout.pages[0].height) == (595, 842)


def test_text_laid_sideways_is_turned_upright(opened: Open) -> None:
    sheet = Sheet(box=b"0 0 842 595")
    for row in range(6):
        sheet.text("Invoice number and total", before=f"0 1 -1 0 {100 + 20 * row} 20 cm", x=0, y=0)
    layout = opened(sheet.pdf()).layout
    assert layout is not None
    assert [word.text for word in layout.pages[0].words][:4] == ["Invoice", "number", "and", "total"]
    assert (layout.pages[0].width, layout.pages[0].height) == (595, 842)


def test_the_shown_part_of_a_larger_page_counts(opened: Open) -> None:
    sheet = letter()
    sheet.box = b"40 0 595 842"
    layout = opened(sheet.pdf()).layout
    assert layout is not None
    assert layout.pages[0].width == 555
    assert 9 < min(word.box[0] for word in layout.pages[0].words) < 12
