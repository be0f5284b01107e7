# SPDX-License-Identifier: ISC
"""The text of a tessera.conf."""


def conf_value(value):
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "{%s}" % ", ".join(conf_value(v) for v in value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return '"%s"' % text


def conf_section(head, keys, indent=""):
    """A section of tessera.conf; a dict within keys is a section within."""
    lines = ["%s%s {" % (indent, head)]
    for key, value in keys.items():
        if isinstance(value, dict):
            lines += conf_section(key, value, indent + "\t")
        else:
            lines.append("%s\t%s = %s" % (indent, key, conf_value(value)))
    return lines + [indent + "}"]
