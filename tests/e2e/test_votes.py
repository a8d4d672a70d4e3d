"""Votes show at once, hold, and are taken back with a word when they are refused."""

from playwright.async_api import expect
from sqlalchemy import delete, select

from db.models import Factoid, Feedback, Vote
from db.session import Database
from tests.e2e.browser import Visitor, Wire
from tests.e2e.conftest import NewVisitor
from tests.factories import Factories


async def test_a_vote_shows_before_the_server_knows_and_holds(make: Factories, visitor: Visitor):
    factoid = await make.factoid(votes=(7, 2))
    wire = await Wire.of(visitor.page)
    await visitor.open()
    card = visitor.card(factoid.id)
    wire.hold()
    await card.vote(1)
    await card.expect_votes(up=8, down=2, mine=1)
    wire.release()
    await card.vote(-1)
    await card.expect_votes(up=7, down=3, mine=-1)
    await visitor.until_saved(factoid.id, up=7, down=3)
    await visitor.reload()
    await card.expect_votes(up=7, down=3, mine=-1)


async def test_the_same_button_again_withdraws_a_vote(
    make: Factories, database: Database, visitor: Visitor
):
    factoid = await make.factoid(votes=(7, 2))
    await visitor.open()
    card = visitor.card(factoid.id)
    await card.vote(-1)
    await card.expect_votes(up=7, down=3, mine=-1)
    await card.vote(-1)
    await card.expect_votes(up=7, down=2, mine=0)
    await visitor.until_saved(factoid.id, up=7, down=2)
    await visitor.reload()
    await card.expect_votes(up=7, down=2, mine=0)
    async with database.sessions() as session:
        assert not (await session.execute(select(Vote).where(Vote.value != 0))).all()


async def test_a_refused_vote_is_taken_back_and_the_reason_said(
    make: Factories, database: Database, visitor: Visitor
):
    factoid = await make.factoid(votes=(7, 2))
    await visitor.open()
    async with database.sessions.begin() as session:
        await session.execute(delete(Factoid).where(Factoid.id == factoid.id))
    card = visitor.card(factoid.id)
    await card.vote(1)
    await expect(visitor.toast).to_contain_text("no such factoid")
    await card.expect_votes(up=7, down=2, mine=0)
    await expect(card.feedback).to_have_count(0)


async def test_after_a_vote_one_may_say_why_without_anything_in_the_way(
    make: Factories, database: Database, visitor: Visitor
):
    factoid, other = await make.factoid(), await make.factoid()
    await visitor.open()
    card = visitor.card(factoid.id)
    await card.vote(-1)
    await expect(card.feedback).to_contain_text("Thanks! Care to say why?")
    await expect(visitor.page.locator("dialog, [role=dialog]")).to_have_count(0)
    # Nothing is covered: the other card still takes a vote.
    await visitor.card(other.id).vote(1)
    await visitor.card(other.id).expect_votes(up=1, down=0, mine=1)
    await card.feedback.get_by_text("Not true").click()
    await card.feedback.get_by_label("Optional feedback").fill("It was the other way round.")
    await card.feedback.get_by_role("button", name="Submit feedback").click()
    await expect(visitor.toast).to_contain_text("Thanks!")
    await expect(card.feedback).to_have_count(0)
    async with database.sessions() as session:
        said = (await session.execute(select(Feedback))).scalar_one()
    assert (said.factoid_id, said.comment, list(said.tags)) == (
        factoid.id,
        "It was the other way round.",
        ["wrong"],
    )


async def test_the_question_why_is_waved_away_with_one_press(make: Factories, visitor: Visitor):
    factoid = await make.factoid()
    await visitor.open()
    card = visitor.card(factoid.id)
    await card.vote(1)
    await card.feedback.get_by_role("button", name="No thanks").click()
    await expect(card.feedback).to_have_count(0)
    await card.expect_votes(up=1, down=0, mine=1)


async def test_a_comment_that_is_too_long_is_kept_and_the_reason_said(
    make: Factories, visitor: Visitor
):
    factoid = await make.factoid()
    await visitor.open()
    card = visitor.card(factoid.id)
    await card.vote(1)
    field = card.feedback.get_by_label("Optional feedback")
    await field.fill("why " * 3_000)
    await card.feedback.get_by_role("button", name="Submit feedback").click()
    await expect(visitor.toast).to_be_visible()
    await expect(visitor.toast).not_to_contain_text("Thanks!")
    await expect(field).to_have_value("why " * 3_000)


async def test_votes_of_two_visitors_count_twice(make: Factories, visitors: NewVisitor):
    factoid = await make.factoid()
    for number in (1, 2):
        visitor = await visitors()
        await visitor.open(f"/f/{factoid.id}")
        await visitor.card(factoid.id).vote(1)
        await visitor.card(factoid.id).expect_votes(up=number, down=0, mine=1)
        await visitor.until_saved(factoid.id, up=number, down=0)
