-- Asks Keytender about the key of each request, and leaves the answer in variables of the transaction:
-- keytender_status, and of a good key keytender_account and keytender_app.
--
-- KEYTENDER_FORWARD_AUTH is the URL that is asked, such as
--   http://127.0.0.1:7979/v1/forward-auth?api=acme&service=orders
-- KEYTENDER_GATEWAY_TOKEN is a token with the scope keys:verify.

local url = os.getenv("KEYTENDER_FORWARD_AUTH")
local token = os.getenv("KEYTENDER_GATEWAY_TOKEN")
assert(url and token, "KEYTENDER_FORWARD_AUTH and KEYTENDER_GATEWAY_TOKEN must be set")

-- What of the request Keytender needs to see; nothing else is handed on.
local shown = { "authorization", "x-api-key", "user-agent" }

local function ask(txn)
    local given = txn.http:req_get_headers()
    local headers = {
        ["keytender-token"] = { token },
        ["x-real-ip"] = { txn.f:src() },
    }
    for _, name in ipairs(shown) do
        if given[name] then
            headers[name] = { given[name][0] }
        end
    end
    local answer = core.httpclient():get({ url = url, headers = headers })
    -- Nobody passes unless Keytender says so.
    txn:set_var("txn.keytender_status", answer and answer.status or 503)
    if answer and answer.status == 200 then
        for _, name in ipairs({ "account", "app" }) do
            local value = answer.headers["keytender-" .. name]
            txn:set_var("txn.keytender_" .. name, value and value[0] or "")
        end
    end
end

core.register_action("keytender", { "http-req" }, ask)
