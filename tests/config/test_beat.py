"""Two beats are harmless: one leads, the other takes over, and a period that both send runs once."""


from tests.processes import Processes, eventually


def test_a_second_beat_waits_and_takes_over_when_the_first_is_killed(processes: Processes) -> None:
    first = processes.beat("first")
    eventually(lambda: "first  | " in processes.log and "this beat leads" in processes.log, why=lambda: processes.log)
    processes.beat("second")
    eventually(lambda: "second | " in processes.log and "beat: Starting" in processes.log.split("second |", 1)[1])

    assert not leads("second", processes.log)

    first.kill()

    eventually(lambda: leads("second", processes.log), why=lambda: processes.log)


def leads(name: str, log: str) -> bool:
    return any(line.startswith(name) and "this beat leads" in line for line in log.splitlines())
