"""Search in all scripts: a fact is found by each of its words as a reader types them."""

import pytest

FACTS = {
    "Hindi": (
        "मिस्र में शहद कभी खराब नहीं होता।",
        "मिस्र में शहद कभी खराब नहीं होता",
    ),
    "Bengali": ("অক্টোপাসের তিনটি হৃৎপিণ্ড আছে।", "অক্টোপাসের তিনটি হৃৎপিণ্ড আছে"),
    "Tamil": ("தேனீக்கள் பூக்களை நினைவில் வைக்கின்றன.", "தேனீக்கள் பூக்களை நினைவில் வைக்கின்றன"),
    "Telugu": ("తేనె ఎప్పటికీ పాడవదు.", "తేనె ఎప్పటికీ పాడవదు"),
    "Malayalam": ("തേൻ ഒരിക്കലും കേടാകില്ല.", "തേൻ ഒരിക്കലും കേടാകില്ല"),
    "Sinhala": ("ශ්‍රී ලංකාව ලස්සන දූපතකි.", "ශ්‍රී ශ්රී ලංකාව ලස්සන දූපතකි"),
    "Thai": ("หมึกยักษ์มีหัวใจสามดวงและน้ำเงินเป็นสีของเลือด", "หมึกยักษ์ มี หัวใจ สาม ดวง และ น้ำเงิน เป็น สี เลือด"),
    "Lao": ("ປາຫມຶກມີສາມຫົວໃຈ", "ປາຫມຶກ ມີ ສາມ ຫົວໃຈ"),
    "Khmer": ("ទឹកឃ្មុំមិនដែលខូចទេ។", "ទឹកឃ្មុំ មិន ដែល ខូច ទេ"),
    "Burmese": ("ပျားရည်သည်ဘယ်တော့မှမပုပ်ပါ။", "ပျားရည် သည် ဘယ်တော့မှ မပုပ်ပါ"),
    "Arabic": ("العَسَلُ لا يَفسُدُ أبدًا.", "العسل العَسَلُ لا يفسد أبدا أبدًا"),
    "Persian": (
        "عسل هرگز فاسد نمی‌شود.",
        "عسل هرگز فاسد نمی‌شود نمیشود می شود نمی".replace(" می ", " "),
    ),
    "Hebrew": ("הַדְּבַשׁ אֵינוֹ מִתְקַלְקֵל לְעוֹלָם.", "הדבש הַדְּבַשׁ אינו מתקלקל לעולם"),
    "Turkish": (
        "IĞDIR'da İSTANBUL kadar ışık yok.",
        "ığdır IĞDIR istanbul İstanbul kadar ışık IŞIK yok",
    ),
    "Chinese": ("章鱼有三颗心脏，血是蓝色的。", "章鱼 有 三颗 心脏 血 蓝色 的 心"),
    "Japanese": (
        "東京タワーはパリのエッフェル塔より高いです。",
        "東京 タワー 東京タワー は パリ エッフェル塔 より 高い",
    ),
    "Korean": ("문어는 심장이 세 개 있다.", "문어는 문어 심장이 심장 세 개 있다"),
    "Greek": ("Ο ΟΔΥΣΣΕΥΣ ήταν βασιλιάς της Ιθάκης.", "οδυσσευς ΟΔΥΣΣΕΥΣ ήταν βασιλιάς της Ιθάκης"),
    "Russian": ("Мёд никогда не портится.", "мёд МЁД никогда не портится"),
    "Vietnamese": ("Mật ong không bao giờ hỏng.", "Mật ong không bao giờ hỏng"),
    "German": ("Die breite Straße in Österreich.", "Straße STRASSE Österreich breite"),
    "mixed": ("NASAは月に戻ります。", "NASA nasa は 月 戻り"),
}


@pytest.mark.parametrize("script", FACTS)
async def test_a_fact_is_found_and_marked_by_each_of_its_words(api, make, script):
    made = {name: await make.factoid(text, subject="-") for name, (text, _) in FACTS.items()}
    text, typed = FACTS[script]

    for word in typed.split():
        items = (await api.get("/api/factoids", params={"q": word})).json()["items"]
        found = next((item for item in items if item["id"] == str(made[script].id)), None)
        assert found, word
        parts = found["highlighted"]
        assert "".join(part["text"] for part in parts) == text
        assert any(part["match"] for part in parts), word


@pytest.mark.parametrize(
    ("typed", "script"),
    [
        ("蓝色 章鱼", "Chinese"),
        ("น้ำเงิน หัวใจ", "Thai"),
        ("शहद मि", "Hindi"),
        ("パリのエッフェル塔より高い", "Japanese"),
        ("月 nasa", "mixed"),
    ],
)
async def test_several_words_are_found_in_any_order(api, make, typed, script):
    made = {name: await make.factoid(text, subject="-") for name, (text, _) in FACTS.items()}

    items = (await api.get("/api/factoids", params={"q": typed})).json()["items"]

    assert [item["id"] for item in items] == [str(made[script].id)]


@pytest.mark.parametrize("sort", ["new", "random", "relevance"])
async def test_only_what_was_sought_is_marked(api, make, sort):
    await make.factoid(FACTS["Chinese"][0], subject="-")

    answer = await api.get("/api/factoids", params={"q": "蓝色", "sort": sort})

    parts = answer.json()["items"][0]["highlighted"]
    assert [part["text"] for part in parts if part["match"]] == ["蓝色"]
