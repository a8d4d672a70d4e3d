"""The fixed categories a factoid belongs to; the feed filters by them."""

from enum import StrEnum


class Category(StrEnum):
    """What a factoid is filed under; chosen by the model, never free text."""

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
