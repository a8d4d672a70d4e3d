"""The fixed categories of factoids, by which the feed can be filtered."""

from enum import StrEnum


class Category(StrEnum):
    """The model that writes a factoid chooses its category; free text is not accepted."""

    SPACE = "space"
    ANIMALS = "animals"
    PLANTS = "plants"
    OCEAN = "ocean"
    EARTH = "earth"
    BODY = "body"
    MIND = "mind"
    MEDICINE = "medicine"
    FOOD = "food"
    HISTORY = "history"
    PLACES = "places"
    LANGUAGE = "language"
    ART = "art"
    MUSIC = "music"
    SPORT = "sport"
    PHYSICS = "physics"
    CHEMISTRY = "chemistry"
    MATHS = "maths"
    TECHNOLOGY = "technology"
    CULTURE = "culture"


CATEGORY_LABELS: dict[Category, tuple[str, str]] = {
    Category.SPACE: ("🪐", "Space"),
    Category.ANIMALS: ("🐾", "Animals"),
    Category.PLANTS: ("🌱", "Plants"),
    Category.OCEAN: ("🌊", "Ocean"),
    Category.EARTH: ("🌋", "Earth"),
    Category.BODY: ("🫀", "Human body"),
    Category.MIND: ("🧠", "Mind"),
    Category.MEDICINE: ("💊", "Medicine"),
    Category.FOOD: ("🍯", "Food"),
    Category.HISTORY: ("🏺", "History"),
    Category.PLACES: ("🗺️", "Places"),
    Category.LANGUAGE: ("💬", "Language"),
    Category.ART: ("🎨", "Art"),
    Category.MUSIC: ("🎵", "Music"),
    Category.SPORT: ("🏅", "Sport"),
    Category.PHYSICS: ("⚛️", "Physics"),
    Category.CHEMISTRY: ("🧪", "Chemistry"),
    Category.MATHS: ("➗", "Maths"),
    Category.TECHNOLOGY: ("💡", "Technology"),
    Category.CULTURE: ("🎎", "Culture"),
}
"""Emoji and label shown for each category."""
