"""Kernels get ports that nothing else takes before they have bound them."""

import socket

import pytest
from jupyter_client.connect import LocalPortCache

from tools import kernels


@pytest.fixture
def ports(monkeypatch):
    """The ports of a process whose block is that of none that runs."""
    monkeypatch.setattr(kernels, "FIRST", 9_000)
    monkeypatch.setattr(kernels.os, "getpid", lambda: 7_000)
    return kernels.Ports()


def test_what_starts_kernels_here_asks_for_such_ports():
    assert isinstance(LocalPortCache.instance(), kernels.Ports)


def test_processes_side_by_side_choose_from_other_ports(ports, monkeypatch):
    def chosen(process):
        monkeypatch.setattr(kernels.os, "getpid", lambda: process)
        return {ports.find_available_port("127.0.0.1") for _ in range(10)}

    first, second = chosen(7_000), chosen(7_001)
    assert len(first) == len(second) == 10
    assert not first & second
    assert max(first | second) < 32_768  # above it, Linux takes ports for connections


def test_a_port_that_is_taken_is_left_out(ports):
    port = ports.find_available_port("127.0.0.1")
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        found = {ports.find_available_port("127.0.0.1") for _ in range(2 * kernels.BLOCK)}
    assert len(found) == kernels.BLOCK - 1
    assert port not in found


def test_where_all_of_the_block_are_taken_the_system_chooses(ports, monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 0)
    assert ports.find_available_port("127.0.0.1") > 1023
