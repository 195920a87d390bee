"""JUnit XML, as most runners can write it; ids are `classname.name`, or the name alone."""

from xml.etree import ElementTree
from xml.parsers import expat

from environments.swe.logs.status import Results, Status, collect

_OUTCOMES = (("error", Status.ERROR), ("failure", Status.FAILED), ("skipped", Status.SKIPPED))


def parse_junit(log: str) -> Results:
    """Nothing if it is no XML: an incomplete report says nothing about any test.

    A document type is refused unread, since entities can grow without bound.
    """
    try:
        root = ElementTree.fromstring(_without_prologue(log))
    except (ElementTree.ParseError, expat.ExpatError, ValueError):
        return {}
    return collect([(_id(case), _status(case)) for case in root.iter("testcase")])


def _without_prologue(log: str) -> str:
    start = log.find("<test")
    if start < 0 or "<!DOCTYPE" in log[:start] or "<!ENTITY" in log:
        raise ValueError("no plain JUnit XML")
    return log[start:]


def _id(case: ElementTree.Element) -> str:
    name, group = case.get("name", ""), case.get("classname", "")
    return f"{group}.{name}" if group else name


def _status(case: ElementTree.Element) -> Status:
    return next((status for tag, status in _OUTCOMES if case.find(tag) is not None), Status.PASSED)
