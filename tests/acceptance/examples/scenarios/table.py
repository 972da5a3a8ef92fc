"""What each document of `examples/` does, told once for every host it runs on."""

from collections.abc import Awaitable, Callable

from tests.acceptance.examples.places import Place
from tests.acceptance.examples.scenarios.http import (
    guarded_door,
    library_shelves,
    member_area,
    notice_board,
    web_form,
    welcome_page,
)
from tests.acceptance.examples.scenarios.machines import lamp_switch, loan_application, room_booking, support_case
from tests.acceptance.examples.scenarios.messages import (
    help_desk_triage,
    lane_per_customer,
    sensor_stages,
    topic_patterns,
)
from tests.acceptance.examples.scenarios.pipelines import (
    address_labels,
    first_contact,
    nested_pipelines,
    price_quote,
    recipe_box,
    stock_ledger,
)

Scenario = Callable[[Place], Awaitable[None]]
ALL: tuple[Scenario, ...] = (
    address_labels,
    first_contact,
    guarded_door,
    help_desk_triage,
    lamp_switch,
    lane_per_customer,
    library_shelves,
    loan_application,
    member_area,
    nested_pipelines,
    notice_board,
    price_quote,
    recipe_box,
    room_booking,
    sensor_stages,
    stock_ledger,
    support_case,
    topic_patterns,
    web_form,
    welcome_page,
)
SCENARIOS: dict[str, Scenario] = {scenario.__name__: scenario for scenario in ALL}
