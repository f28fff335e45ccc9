"""Calls that leave the process: which block the thread they run in, and which know a timeout."""

from __future__ import annotations

import re
from types import MappingProxyType

from fastwright.model.code import Call
from fastwright.review.reach import last

_HTTP = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "send",
                   "stream"})  # fmt: skip
_EXACT = MappingProxyType({
    "time.sleep": "sleeps",
    "urllib.request.urlopen": "waits for another server",
    "os.system": "waits for another program",
    "subprocess.run": "waits for another program",
    "subprocess.call": "waits for another program",
    "subprocess.check_call": "waits for another program",
    "subprocess.check_output": "waits for another program",
    "subprocess.getoutput": "waits for another program",
    "socket.create_connection": "waits for another server",
    "socket.gethostbyname": "waits for a name server",
    "socket.getaddrinfo": "waits for a name server",
    "smtplib.SMTP": "waits for a mail server",
    "smtplib.SMTP_SSL": "waits for a mail server",
    "imaplib.IMAP4": "waits for a mail server",
    "imaplib.IMAP4_SSL": "waits for a mail server",
    "ftplib.FTP": "waits for another server",
    "ftplib.FTP_TLS": "waits for another server",
    "subprocess.Popen.communicate": "waits for another program",
    "subprocess.Popen.wait": "waits for another program",
    "bcrypt.hashpw": "hashes a password",
    "bcrypt.checkpw": "hashes a password",
    "hashlib.pbkdf2_hmac": "hashes a password",
    "hashlib.scrypt": "hashes a password",
    "werkzeug.security.generate_password_hash": "hashes a password",
    "werkzeug.security.check_password_hash": "hashes a password",
})  # fmt: skip
_HASHERS = frozenset({"CryptContext", "PasswordHash", "PasswordHasher", "bcrypt", "argon2"})
_HASHER_VERBS = frozenset({"hash", "verify", "verify_and_update"})
_CLIENTS = re.compile(
    r"(?:requests(?:\.sessions)?\.(?:Session|session)|httpx2?\.Client)(?:\.__call__)?\.\w+"
)
_SERVICES = re.compile(
    r"boto3\.(?:\w+\.)*client\.(?!generate_presigned|get_paginator|get_waiter|can_paginate|close)"
    r"[a-z]+_[a-z_]+"
    r"|stripe\.(?:[a-z_]+\.)*[A-Z]\w*\.(?:create|retrieve|modify|list|delete|cancel|search|confirm"
    r"|capture|pay|attach|detach)(?:_(?!async)[a-z]+)*(?<!_async)"
    r"|openai\.(?:(?:Azure)?OpenAI\.)?(?:[a-zA-Z]\w*\.)*"
    r"(?:completions|responses|embeddings|images|transcriptions|translations|speech|moderations)"
    r"\.(?:create|parse|generate|edit)"
    r"|(?:anthropic\.Anthropic\.(?:beta\.)?messages|groq\.Groq\.chat\.completions)\.create"
    r"|google\.generativeai\.GenerativeModel\.generate_content"
    r"|google\.genai\.Client\.models\.generate_content"
    r"|google\.oauth2\.id_token\.verify_(?:oauth2|firebase)_token"
    r"|firebase_admin\.(?:messaging\.send\w*|auth\.(?:get|create|update|delete)_users?\w*)"
    r"|twilio\.rest\.Client\.(?:\w+\.)+(?:create|fetch|list|update|delete)"
    r"|sendgrid\.(?:\w+\.)*SendGridAPIClient\.send|resend\.(?:Emails|Batch)\.send(?:_batch)?"
    r"|cloudinary\.uploader\.(?:upload\w*|destroy)"
    r"|minio\.(?:api\.)?Minio\.(?:f?(?:put|get)_object|(?:remove|stat|copy)_objects?"
    r"|(?:make|remove)_bucket|bucket_exists)"
    r"|google\.cloud\.storage\.Client\.(?:\w+\.)*(?:upload_from|download_(?:as|to))_\w+"
    r"|supabase\.(?:Client|create_client)\.(?:\w+\.)*execute"
    r"|urllib3\.PoolManager\.(?:request|urlopen)"
)
"""Requests of the blocking clients that other servers' makers give out."""
_REDIS = re.compile(
    r"redis\.(?:client\.)?(?:(?:Strict)?Redis(?:\.from_url)?|from_url)\.(?:pipeline\.execute"
    r"|(?!pipeline|pubsub|close|lock|from_url|register_script|get_connection|set_response)[a-z_]+)"
)
_FILES = re.compile(
    r"PIL\.Image\.open\.(?:convert\.)?(?:thumbnail|resize|save)"
    r"|openpyxl\.load_workbook|pandas\.read_(?:csv|excel|json|parquet)"
)
"""What takes as long as the picture or sheet that the client sent is large."""
_FEW_ROUNDS = 10_000
"""Of PBKDF2: some 5 ms."""


def blocks(call: Call) -> str:
    """What a call waits for without giving the event loop back; empty where it does not."""
    dotted = call.callee or ""
    if call.awaited or not dotted:
        return ""
    if dotted in _EXACT:
        return "" if _is_quick(call) else _EXACT[dotted]
    if _SERVICES.fullmatch(dotted) and ".Async" not in dotted:
        return "waits for another server"
    if _REDIS.fullmatch(dotted):
        return "waits for Redis"
    if _FILES.fullmatch(dotted):
        return "takes as long as the file is large"
    package, verb = dotted.partition(".")[0], last(dotted)
    if package == "requests" or (package in ("httpx", "httpx2") and "Async" not in dotted):
        return "waits for another server" if is_request(call) else ""
    if package in ("passlib", "pwdlib", "argon2") and verb in _HASHER_VERBS:
        return "hashes a password" if _HASHERS & set(dotted.split(".")) else ""
    return ""


def _is_quick(call: Call) -> bool:
    """True for a hash of so few rounds that it takes no longer than a small query."""
    rounds = dict(call.keywords).get("iterations", "".join(call.arguments[3:4]))
    is_small = rounds.replace("_", "").isdecimal() and int(rounds) < _FEW_ROUNDS
    return call.callee == "hashlib.pbkdf2_hmac" and is_small


def is_request(call: Call) -> bool:
    """True for a call that sends a request by requests or httpx, through a client or without."""
    dotted = call.callee or ""
    if last(dotted) not in _HTTP:
        return False
    owner = dotted.rpartition(".")[0]
    return owner in ("requests", "requests.api", "httpx", "httpx2") or bool(
        _CLIENTS.fullmatch(dotted) or "AsyncClient." in dotted
    )


def waits_for_ever(call: Call) -> bool:
    """True for a call to another server that no timeout ends."""
    dotted, given = call.callee or "", dict(call.keywords)
    if "**" in given:
        return False
    limit = given.get("timeout")
    package = dotted.partition(".")[0]
    if package in ("httpx", "httpx2"):
        made = last(dotted) in ("Client", "AsyncClient")
        return limit == "None" and (made or is_request(call))
    if package == "requests":
        return limit in (None, "None") and is_request(call)
    places = {"urllib.request.urlopen": 2, "smtplib.SMTP": 3, "smtplib.SMTP_SSL": 5}
    if dotted in places:
        connects = bool(call.arguments or "host" in given or package == "urllib")
        return limit in (None, "None") and connects and len(call.arguments) <= places[dotted]
    return False
