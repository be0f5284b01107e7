# SPDX-License-Identifier: ISC
"""Requests that no server may take, row by row."""

FORM = b"grant_type=urn%3Atessera%3Agrant%3Asession&audience=demo"


def head(*lines, line=b"GET /healthz HTTP/1.1", host=True, end=b"\r\n\r\n"):
    """A request's head; lines as they are."""
    return b"\r\n".join([line] + ([b"Host: localhost"] if host else []) + list(lines)) + end


def post(*lines, body=FORM, line=b"POST /token HTTP/1.1"):
    lines = (b"Content-Type: application/x-www-form-urlencoded",) + lines
    return head(*lines, line=line) + body


LENGTH = b"Content-Length: %d" % len(FORM)

# What, the bytes.  Clauses of RFC 9112 unless named.
MALFORMED = [
    # 6.3: framing
    ("two Content-Length, alike", post(LENGTH, LENGTH)),
    ("two Content-Length, different", post(LENGTH, b"Content-Length: 0")),
    ("a list of lengths", post(b"Content-Length: %d, %d" % (len(FORM), len(FORM)))),
    ("Content-Length and Transfer-Encoding", post(LENGTH, b"Transfer-Encoding: chunked")),
    ("Transfer-Encoding chunked", post(b"Transfer-Encoding: chunked",
                                       body=b"5\r\nhello\r\n0\r\n\r\n")),
    ("Transfer-Encoding identity", post(LENGTH, b"Transfer-Encoding: identity")),
    ("Transfer-Encoding in capitals", post(LENGTH, b"TRANSFER-ENCODING: chunked")),
    ("length with a sign", post(b"Content-Length: +%d" % len(FORM))),
    ("negative length", post(b"Content-Length: -1")),
    ("length in hexadecimal", post(b"Content-Length: 0x10")),
    ("length with a fraction", post(b"Content-Length: 5.0")),
    ("length empty", post(b"Content-Length: ")),
    ("length 2^64 + 5", post(b"Content-Length: 18446744073709551621")),
    ("length of 500 digits", post(b"Content-Length: " + b"9" * 500)),
    ("length with a word", post(b"Content-Length: five")),
    ("body of 64 KiB and 1", post(b"Content-Length: 65537", body=b"a" * 65537)),
    ("body announced of 1 GiB", post(b"Content-Length: 1073741824")),
    # 3.2: Host
    ("no Host", head(host=False)),
    ("two Host", head(b"Host: localhost")),
    ("two Host, different", head(b"Host: other")),
    # RFC 6750, 9449: credentials once
    ("two Authorization", head(b"Authorization: Bearer a", b"Authorization: Bearer b")),
    ("two DPoP", head(b"DPoP: a", b"DPoP: b")),
    ("two Content-Type", post(LENGTH, b"Content-Type: application/json")),
    # 2.2: lines
    ("bare LF after the request line", head().replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n")),
    ("bare LF after a field", head(b"X: y\nZ: a")),
    ("bare LF throughout", head().replace(b"\r\n", b"\n")),
    ("bare LF at the end", head(end=b"\r\n\n")),
    ("bare CR in a field", head(b"X: y\rZ: a")),
    ("CR twice", head(b"X: y\r")),
    ("empty lines before", b"\r\n\r\n" + head()),
    ("blanks before", b" " + head()),
    # 5.2: folding
    ("folded field, blank", head(b"X: y", b" z")),
    ("folded field, tab", head(b"X: y", b"\tz")),
    ("folded first field", head(b" Host: localhost", host=False)),
    # 5.1, RFC 9110 5.5: fields
    ("blank before the colon", head(b"X : y")),
    ("blank before the colon of Content-Length", post(b"Content-Length : %d" % len(FORM))),
    ("no colon", head(b"X")),
    ("no name", head(b": y")),
    ("name with a quote", head(b'X"Y: z')),
    ("name not ASCII", head(b"X\xe4: y")),
    ("NUL in a value", head(b"X: y\0z")),
    ("NUL in a name", head(b"X\0Y: z")),
    ("control character in a value", head(b"X: y\x01z")),
    ("DEL in a value", head(b"X: y\x7fz")),
    ("65 fields", head(*[b"X-%d: y" % i for i in range(64)])),
    ("over 8 KiB of fields", head(b"X: " + b"y" * 8200)),
    ("over 8 KiB of path", head(line=b"GET /" + b"a" * 8200 + b" HTTP/1.1")),
    # 3: request line
    ("NUL in the path", head(line=b"GET /healthz\0 HTTP/1.1")),
    ("tab in the request line", head(line=b"GET\t/healthz\tHTTP/1.1")),
    ("two blanks", head(line=b"GET  /healthz HTTP/1.1")),
    ("blank at the end", head(line=b"GET /healthz HTTP/1.1 ")),
    ("blank in the path", head(line=b"GET /health z HTTP/1.1")),
    ("no version", head(line=b"GET /healthz")),
    ("HTTP/0.9", b"GET /healthz\r\n"),
    ("HTTP/1.0", head(line=b"GET /healthz HTTP/1.0")),
    ("HTTP/1.2", head(line=b"GET /healthz HTTP/1.2")),
    ("HTTP/2.0", head(line=b"GET /healthz HTTP/2.0")),
    ("HTTP/1.10", head(line=b"GET /healthz HTTP/1.10")),
    ("http/1.1", head(line=b"GET /healthz http/1.1")),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("method in small letters", head(line=b"get /healthz HTTP/1.1")),
    ("method unknown", head(line=b"BREW /healthz HTTP/1.1")),
    ("method empty", head(line=b" /healthz HTTP/1.1")),
    ("method of 4 KiB", head(line=b"G" * 4096 + b" /healthz HTTP/1.1")),
    ("CONNECT", head(line=b"CONNECT localhost:80 HTTP/1.1")),
    ("TRACE", head(line=b"TRACE /healthz HTTP/1.1")),
    ("OPTIONS *", head(line=b"OPTIONS * HTTP/1.1")),
    ("absolute form", head(line=b"GET http://localhost/healthz HTTP/1.1")),
    ("no slash", head(line=b"GET healthz HTTP/1.1")),
    # paths are compared as they are
    ("%00 in the path", head(line=b"GET /healthz%00 HTTP/1.1")),
    ("encoded letter", head(line=b"GET /%68ealthz HTTP/1.1")),
    ("encoded slash", head(line=b"GET /.well-known%2fjwks.json HTTP/1.1")),
    ("..", head(line=b"GET /x/../healthz HTTP/1.1")),
    (".", head(line=b"GET /./healthz HTTP/1.1")),
    ("two slashes", head(line=b"GET //healthz HTTP/1.1")),
    ("slash at the end", head(line=b"GET /healthz/ HTTP/1.1")),
    ("semicolon", head(line=b"GET /healthz;a=b HTTP/1.1")),
    ("fragment", head(line=b"GET /healthz#a HTTP/1.1")),
    ("capitals", head(line=b"GET /HEALTHZ HTTP/1.1")),
    ("not ASCII", head(line=b"GET /healthz\xc3\xa4 HTTP/1.1")),
    ("backslash", head(line=b"GET \\healthz HTTP/1.1")),
    ("admin path on the API socket", head(line=b"GET /admin/credentials HTTP/1.1")),
    # other protocols
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)),
    ("ssh-agent", b"\x00\x00\x00\x01\x0b"),
    ("8 KiB of NUL", bytes(8192)),
    ("8 KiB of 0xff", b"\xff" * 8192),
    # RFC 6749 3.2, 4: the token endpoint
    ("GET /token", head(line=b"GET /token?" + FORM + b" HTTP/1.1")),
    ("parameters in the query", post(b"Content-Length: 0", body=b"",
                                     line=b"POST /token?" + FORM + b" HTTP/1.1")),
    ("JSON to /token", head(b"Content-Type: application/json", b"Content-Length: 2",
                            line=b"POST /token HTTP/1.1") + b"{}"),
    ("no Content-Type", head(LENGTH, line=b"POST /token HTTP/1.1") + FORM),
    ("no Content-Length", head(b"Content-Type: application/x-www-form-urlencoded",
                               line=b"POST /token HTTP/1.1")),
]

# RFC 6749 3.1, 3.2: bodies of a form that would be good without the fault.
FORMS = [
    ("parameter twice", FORM + b"&audience=demo"),
    ("parameter twice, one encoded", FORM + b"&%61udience=demo"),
    ("NUL in a value", FORM + b"%00"),
    ("NUL in a name", FORM + b"&sco%00pe=read"),
    ("a raw NUL", FORM + b"\0"),
    ("bad escape", FORM + b"&scope=%zz"),
    ("cut escape", FORM + b"&scope=%4"),
    ("not UTF-8", FORM + b"&scope=%ff"),
    ("no equals sign", FORM + b"&scope"),
    ("unknown parameter of a caller", FORM + b"&subject=root"),
    ("login helper's parameter: service", FORM + b"&service=sshd"),
    ("login helper's parameter: tty", FORM + b"&tty=tty1"),
    ("login helper's parameter: rhost", FORM + b"&rhost=elsewhere"),
    ("500 parameters", FORM + b"".join(b"&p%d=1" % i for i in range(500))),
    ("empty", b""),
]

# RFC 8259 and what we demand beyond it.
DEEP = 65
JSON = [
    ("duplicate member", b'{"credential":"a","credential":"b"}'),
    ("duplicate member, one escaped", b'{"credential":"a","\\u0063redential":"b"}'),
    ("unknown member", b'{"pin":"123456"}'),
    ("depth over 64", b'{"credential":' + b"[" * DEEP + b"]" * DEEP + b"}"),
    ("depth of 30,000", b"[" * 30000),
    ("lone high surrogate", b'{"credential":"\\ud800"}'),
    ("lone low surrogate", b'{"credential":"\\udc00"}'),
    ("\\u0000 in a name", b'{"creden\\u0000tial":"a"}'),
    ("\\u0000 in a value", b'{"credential":"a\\u0000"}'),
    ("a raw NUL", b'{"credential":"a\0"}'),
    ("trailing bytes", b'{} {}'),
    ("trailing letter", b'{}x'),
    ("trailing comma", b'{"credential":"a",}'),
    ("comment", b'{/**/}'),
    ("single quotes", b"{'credential':'a'}"),
    ("byte order mark", b'\xef\xbb\xbf{}'),
    ("not UTF-8", b'{"credential":"\xff"}'),
    ("UTF-16", '{"credential":"a"}'.encode("utf-16")),
    ("array", b'[]'),
    ("string", b'"credential"'),
    ("number", b'1'),
    ("null", b'null'),
    ("number for a string", b'{"credential":1}'),
    ("1e400", b'{"credential":1e400}'),
    ("NaN", b'{"credential":NaN}'),
    ("unclosed", b'{"credential":"a"'),
    ("empty", b''),
]
