"""What each document of `examples/` does, told once for every host it runs on."""

from collections.abc import Awaitable, Callable

from tests.acceptance.examples.places import Place
from tests.acceptance.examples.scenarios.desks import help_line, signal_box
from tests.acceptance.examples.scenarios.http import (
    book_shelf,
    guarded_door,
    library_shelves,
    member_area,
    notice_board,
    parcel_watch,
    record_keeping,
    web_form,
    welcome_page,
)
from tests.acceptance.examples.scenarios.machines import (
    lamp_switch,
    loan_application,
    room_booking,
    support_case,
    travel_approval,
)
from tests.acceptance.examples.scenarios.messages import (
    doorbell,
    help_desk_triage,
    lane_per_customer,
    mail_room,
    sensor_stages,
    topic_patterns,
)
from tests.acceptance.examples.scenarios.pipelines import (
    address_labels,
    first_contact,
    mood_survey,
    nested_pipelines,
    price_quote,
    recipe_box,
    sealed_letter,
    stock_ledger,
)
from tests.acceptance.examples.scenarios.sections import (
    burglar_alarm,
    customs_office,
    fire_drill,
    night_watch,
    office_hours,
    order_book,
    paper_round,
    parcel_sorting,
    reading_room,
    shop_front,
    two_ledgers,
    weather_desk,
)

Scenario = Callable[[Place], Awaitable[None]]
ALL: tuple[Scenario, ...] = (
    address_labels,
    book_shelf,
    burglar_alarm,
    customs_office,
    doorbell,
    fire_drill,
    first_contact,
    guarded_door,
    help_desk_triage,
    help_line,
    lamp_switch,
    lane_per_customer,
    library_shelves,
    loan_application,
    mail_room,
    member_area,
    mood_survey,
    nested_pipelines,
    night_watch,
    notice_board,
    office_hours,
    order_book,
    paper_round,
    parcel_sorting,
    parcel_watch,
    price_quote,
    reading_room,
    recipe_box,
    record_keeping,
    room_booking,
    sealed_letter,
    sensor_stages,
    shop_front,
    signal_box,
    stock_ledger,
    support_case,
    topic_patterns,
    travel_approval,
    two_ledgers,
    weather_desk,
    web_form,
    welcome_page,
)
SCENARIOS: dict[str, Scenario] = {scenario.__name__: scenario for scenario in ALL}
