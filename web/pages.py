"""Every page of the site. Adding a page takes its own folder and a line here."""

from web.account import page as account
from web.chat import page as chat
from web.chats import page as chats
from web.checkout import page as checkout
from web.factoid_page import page as factoid
from web.feed import page as feed
from web.keys import page as keys
from web.missing import page as missing
from web.pricing import page as pricing
from web.recover import page as recover
from web.shared_chat import page as shared_chat

PAGES = (
    missing.PAGE,
    feed.PAGE,
    factoid.PAGE,
    keys.PAGE,
    account.PAGE,
    recover.PAGE,
    pricing.PAGE,
    checkout.PAGE,
    checkout.CANCELLED_PAGE,
    chats.PAGE,
    chat.PAGE,
    shared_chat.PAGE,
)
