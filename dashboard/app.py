"""The dashboard's entry: settings, language, menu, filters, then the page."""

from dashboard import building, filters, navigation
from dashboard.components import mode, states
from dashboard.drawing import draw
from dashboard.recovery import recovered, recovering
from dashboard.texts import words
from etl.config import Settings
from etl.errors import KeptError


def main() -> None:
    """Draw the page that the URL asks for; whatever goes wrong is said in a sentence."""
    mode.dress()
    said = words(filters.language("zh"))
    entry = navigation.chosen(said)
    settings, books = None, []
    try:
        with recovering():
            settings = Settings.from_environment()
            if not entry.desk:
                books.append(building.book(settings))
    except (building.StillBuilding, KeptError) as reason:
        return states.instead(reason, said, settings, entry.title(said))
    try:
        with recovering(books):
            draw(entry, settings, books, said)
    except (building.StillBuilding, KeptError) as reason:
        states.instead(reason, said, settings)
    recovered()


main()
