"""The reference document `integration-workflow` with partners on loopback: what each is told, what comes of it."""

from typing import Any

from tests.support.upstream import Said, Upstream

PARTNERS = {
    "https://api.crm-provider.com/v1": "/crm",
    "https://api.payment-provider.com/v2": "/payments",
    "https://api.email-service.com/v3": "/mail",
    "https://api.inventory-system.com": "/stock",
}
SECRETS = {
    "INTEGRATION_CRM_TOKEN": "crm-t0ken",
    "INTEGRATION_EMAIL_TOKEN": "mail-t0ken",
    "INTEGRATION_INVENTORY_TOKEN": "stock-t0ken",
    "INTEGRATION_PAYMENT_USER": "shop",
    "INTEGRATION_PAYMENT_PASSWORD": "pa55",
}
ORDER: dict[str, Any] = {
    "orderId": "o-1",
    "customerId": "c 7",
    "customerEmail": "ann@shop.example",
    "productId": "p-3",
    "quantity": 2,
    "totalAmount": 25,
    "currency": "EUR",
    "paymentMethod": {"id": "pm-9"},
}


def pointed_at(text: str, url: str, *, private: bool = True, pauses: str = "20ms") -> str:
    """Return the document with its partners at `url`; `private` has its connectors reach private addresses."""
    for address, path in PARTNERS.items():
        allowed = "\n          allowPrivateIPs: true" if private else ""
        text = text.replace(f'baseURL: "{address}"', f'baseURL: "{url}{path}"{allowed}')
    for pause in ("1s", "2s", "3s", "60s"):
        text = text.replace(f'retryDelay: "{pause}"', f'retryDelay: "{pauses}"')
    return text.replace("requestsPerMinute: 60", "requestsPerMinute: 60000.0").replace(
        "requestsPerMinute: 30", 'requestsPerMinute: "60000"'
    )


def be_good(partner: Upstream) -> None:
    """Answer every step as a partner that has what is wanted."""
    partner.say("GET /crm/customers/c%207", Said(200, {"id": "crm-7", "name": "Ann"}))
    partner.say("GET /stock/products/p-3/inventory", Said(200, {"available": 5, "preferredLocation": "north"}))
    partner.say("POST /payments/transactions", Said(201, {"id": "t-1", "amount": 25}))
    partner.say("POST /stock/products/p-3/reserve", Said(200, {"reserved": True}))
    partner.say("POST /mail/send", Said(202, {"queued": True}))


def check_good(partner: Upstream, output: dict[str, Any]) -> None:
    """Check what the partners were told and what the run made of it."""
    assert [f"{asked.method} {asked.path.partition('?')[0]}" for asked in partner.calls] == [
        "GET /crm/customers/c%207",
        "GET /stock/products/p-3/inventory",
        "POST /payments/transactions",
        "POST /stock/products/p-3/reserve",
        "POST /mail/send",
    ]
    customer, _, payment, reserve, mail = partner.calls
    assert customer.headers["authorization"] == "Bearer crm-t0ken"
    assert payment.headers["authorization"] == "Basic c2hvcDpwYTU1"
    assert payment.json == {"amount": 25, "currency": "EUR", "customerId": "crm-7", "paymentMethodId": "pm-9"}
    assert reserve.json == {"quantity": 2, "orderId": "o-1", "locationId": "north"}
    assert mail.json["variables"] == {"orderId": "o-1", "total": 25, "estimatedDelivery": None}
    assert output["check-customer"] == {"id": "crm-7", "name": "Ann", "statusCode": 200}
    assert output["process-payment"]["statusCode"] == 201
    assert output["send-confirmation"] == {"queued": True, "statusCode": 202}
    assert [key for key in output if key.endswith("_error")] == []


def check_failed_payment(partner: Upstream, output: dict[str, Any]) -> None:
    """Check that a payment that fails is tried four times and left behind as an error."""
    assert len(partner.asked("POST /payments/transactions")) == 4
    assert output["process-payment_error"] == "payment-connector: POST /transactions was answered 503."
    assert "process-payment" not in output
    assert output["send-confirmation"]["queued"] is True
    assert partner.asked("POST /mail/send")[-1].json["variables"]["total"] is None
