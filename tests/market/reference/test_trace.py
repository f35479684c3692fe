"""The trace of a cluster is read from a directory, or refused with the file and the line at fault."""

import pytest

from market.reference.trace import NodeFact, Phase, TaskFact, TraceError, read

NODES = "sn,cpu_milli,memory_mib,gpu,model\nnode-1,64000,262144,8,A100\nnode-2,64000,262144,2,T4\n"
TASK_COLUMNS = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
)
TASKS = TASK_COLUMNS + (
    "task-1,12000,16384,1,1000,,LS,Running,0,900,0\n"
    "task-2,6000,12288,2,1000,A100|T4|T4,LS,Failed,10,70,20\n"
    "task-3,6000,12288,1,460,T4,BE,Pending,30,90,\n"
    "task-4,6000,12288,0,0,,BE,Succeeded,40,,41\n"
)


def trace(directory, nodes=NODES, tasks=TASKS):
    (directory / "made_up_node_list_gpu_node.csv").write_bytes(nodes if isinstance(nodes, bytes) else nodes.encode())
    (directory / "made_up_pod_list_default.csv").write_text(tasks, encoding="utf-8")
    return directory


def test_nodes_are_machines_with_cards(tmp_path):
    assert read(trace(tmp_path)).nodes == (NodeFact("node-1", "A100", 8), NodeFact("node-2", "T4", 2))


def test_tasks_keep_their_course_and_the_models_that_they_accept(tmp_path):
    assert read(trace(tmp_path)).tasks == (
        TaskFact("task-1", 1, (), 0, 0, 900, Phase.RUNNING),
        TaskFact("task-2", 2, ("A100", "T4"), 10, 20, 70, Phase.FAILED),
        TaskFact("task-3", 1, ("T4",), 30, None, 90, Phase.PENDING),
        TaskFact("task-4", 0, (), 40, 41, None, Phase.SUCCEEDED),
    )


def test_a_task_without_cards_is_marked(tmp_path):
    assert [task.cpu_only for task in read(trace(tmp_path)).tasks] == [False, False, False, True]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("task-9,1,1,one,0,,LS,Running,0,9,0", "line 2: 'one' is not a whole number"),
        ("task-9,1,1,-1,0,,LS,Running,0,9,0", "line 2: '-1' is not a whole number"),
        ("task-9,1,1,1,0,,LS,Running,,9,0", "line 2: '' is not a whole number"),
        ("task-9,1,1,1,0,,LS,Lost,0,9,0", "line 2: 'Lost' is not a valid Phase"),
        (",1,1,1,0,,LS,Running,0,9,0", "line 2: a task needs a name"),
        ("task-9,1,1,1,0,,LS,Running,5,9,4", r"line 2: task-9 .* in the order of \[5, 4, 9\]"),
        ("task-9,1,1,1,0,,LS,Running,0,3,4", r"line 2: task-9 .* in the order of \[0, 4, 3\]"),
        ("task-9,1,1,1,0,,LS,Running,0,9,", "line 2: task-9 is Running and scheduled at None"),
        ("task-9,1,1,1,0,,LS,Pending,0,9,1", "line 2: task-9 is Pending and scheduled at 1"),
        ("task-9,1,1", "line 2: '' is not a whole number"),
    ],
)
def test_a_malformed_task_is_refused_with_its_line(tmp_path, line, complaint):
    with pytest.raises(TraceError, match=r"made_up_pod_list_default\.csv, " + complaint):
        read(trace(tmp_path, tasks=TASK_COLUMNS + line))


@pytest.mark.parametrize(
    ("nodes", "complaint"),
    [
        ("sn,gpu,model\nnode-1,0,A100", "line 2: a node needs a name, a model and at least one card"),
        ("sn,gpu,model\nnode-1,8,", "line 2: a node needs"),
        ("sn,gpu\nnode-1,8", "has no column model"),
        ("", "is empty or has no column gpu, model, sn"),
        (NODES + "node-1,1,1,8,A100", "node node-1 comes twice"),
        (b"sn,gpu,model\nnode-\xff,8,A100", "is not a CSV text"),
    ],
)
def test_malformed_nodes_are_refused(tmp_path, nodes, complaint):
    with pytest.raises(TraceError, match=complaint):
        read(trace(tmp_path, nodes=nodes))


def test_one_task_twice_is_refused(tmp_path):
    with pytest.raises(TraceError, match="task task-4 comes twice"):
        read(trace(tmp_path, tasks=TASKS + TASKS.splitlines()[-1]))


def test_a_directory_without_a_trace_is_refused(tmp_path):
    with pytest.raises(TraceError, match=r"holds 0 files \*node_list\*\.csv: one was expected"):
        read(tmp_path)
    with pytest.raises(TraceError, match="is not a directory"):
        read(tmp_path / "nowhere")


def test_two_lists_of_nodes_are_one_too_many(tmp_path):
    trace(tmp_path)
    (tmp_path / "other_node_list.csv").write_text(NODES, encoding="utf-8")

    with pytest.raises(TraceError, match="holds 2 files"):
        read(tmp_path)
