"""What is known of single settings: which are defaults of a request, and why others are not carried over."""

from __future__ import annotations

_REQUEST = """
temperature top_p top_k max_tokens max_completion_tokens presence_penalty frequency_penalty seed stop n logprobs
top_logprobs logit_bias response_format reasoning_effort verbosity parallel_tool_calls tool_choice tools
service_tier user dimensions encoding_format voice size quality style language
"""
REQUEST_PARAMS = frozenset(_REQUEST.split())
"""Parameters of a deployment that are defaults of the request: what the client sends wins, here as there."""

_OF_DEPLOYMENTS = """
rpm tpm itpm otpm rpm_limit tpm_limit image_pm_limit char_pm_limit audio_seconds_pm_limit rerank_units_pm_limit
max_parallel_requests default_api_key_rpm_limit default_api_key_tpm_limit
: an upstream's own limit; limits here are tiers, of an account or a key
max_retries num_retries
: a failed request is not repeated: the next endpoint is tried
max_budget budget_duration
: a budget is an account's or a key's: write budget: there
organization extra_headers headers extra_body extra_query
: nothing is added to a request but the key and missing default parameters
mock_response mock_timeout health_check_timeout health_check_model
: for tests of the proxy alone
team_id team_public_model_name access_windows blocked supported_environments
: who may call a model is said by access groups, on it and on accounts, teams and keys
max_tokens max_input_tokens max_output_tokens output_vector_size
: sizes of models are not looked at
aws_region_name aws_access_key_id aws_secret_access_key aws_session_token aws_role_name aws_profile_name
aws_session_name region
: Bedrock is reached by its OpenAI-compatible endpoint with an API key; nothing is signed
drop_params additional_drop_params modify_params
: requests are passed on as they are
stream_timeout
: there is one limit for the first byte, streamed or not
tag_regex
: endpoints are preferred by the tags of a request, never by its headers
region_name
: an endpoint's place is not written on it
"""
_OF_SETTINGS = """
master_key
: there is no key for everything; an account's keys are written as hashes, under keys:
salt_key
: there is nothing to salt
key_management_system key_management_settings
: refs say themselves where they point to; os.environ/NAME stays a variable's name here
routing_strategy routing_strategy_args
: a model's endpoints are tried in the order in which they are listed
num_retries retry_after retry_policy allowed_fails cooldown_time
: a failed request is not repeated: the next endpoint is tried
request_timeout timeout stream_timeout
: time limits are flags of llmrouter serve, and timeout_seconds of an endpoint
enable_tag_filtering tag_filtering_match_any
: tags of a request prefer endpoints, they never exclude one
max_budget budget_duration
: there is no budget for everything; accounts and keys have theirs, under budget:
drop_params modify_params
: requests are passed on as they are
include
: other files are not read: import each of them, or put them into one first
environment_variables
: variables are set where the router runs; no value is taken over
model_deployment_source model_deployment_bootstrap_from_config
: deployments that are in a database are not in this file
database_url redis_url redis_host redis_port redis_password store_model_in_db
: there is no database
cache cache_params cache_enabled cache_backend cache_ttl
: answers are not cached
success_callback failure_callback callbacks
: the router writes one JSON line for each request
"""


def _read(table: str) -> dict[str, str]:
    """The reason by setting: names, then a line with what is true of all of them."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in table.strip().splitlines():
        if line.startswith(": "):
            found |= dict.fromkeys(names, line.removeprefix(": "))
            names = []
        else:
            names += line.split()
    return found


LEFT_OUT = _read(_OF_DEPLOYMENTS)
"""Why a setting of a deployment is not carried over."""
SETTINGS_LEFT_OUT = _read(_OF_SETTINGS)
"""Why a setting beside deployments is not carried over."""
COST = "no such unit: prices are per million tokens, read, read from a cache, written or spoken"
UNKNOWN = "llmcompile has no such setting"
