"""Texts of all discrepancies that a verification can find, in both languages."""

from __future__ import annotations

from include.contracts.words import BilingualText

WORDS = {
    # the chain
    "entry altered": BilingualText(
        "entry {entry} was altered: its content does not have the hash it carries",
        "mục {entry} đã bị sửa: nội dung không khớp mã băm của nó",
    ),
    "entry twice": BilingualText(
        "entry {entry} is there more than once: one of them was inserted",
        "mục {entry} xuất hiện hơn một lần: có mục bị chèn thêm",
    ),
    "entry dropped": BilingualText("entry {entry} was dropped", "mục {entry} đã bị bỏ"),
    "entries dropped": BilingualText("entry {entry} to {last} was dropped", "các mục từ {entry} đến {last} đã bị bỏ"),
    "entry not chained": BilingualText(
        "entry {entry} was not chained to the entry {before} that is there: {before} was replaced, or {entry} was "
        "inserted",
        "mục {entry} không nối với mục {before} hiện có: mục {before} bị thay, hoặc mục {entry} bị chèn thêm",
    ),
    "entries cut off": BilingualText(
        "entries {first} to {last} were cut off: {witness} knows entry {last}",
        "các mục từ {first} đến {last} đã bị cắt bỏ: {witness_vi} có ghi mục {last}",
    ),
    "entry replaced": BilingualText(
        "entry {first} was replaced: {witness} has another hash for entry {last}",
        "mục {first} đã bị thay: {witness_vi} ghi mã băm khác cho mục {last}",
    ),
    "one of entries replaced": BilingualText(
        "an entry from {first} to {last} was replaced: {witness} has another hash for entry {last}",
        "một mục trong khoảng từ {first} đến {last} đã bị thay: {witness_vi} ghi mã băm khác cho mục {last}",
    ),
    # the ledger's own table
    "ledger cannot be opened": BilingualText(
        "the ledger cannot be opened: its log or a checkpoint was altered or removed",
        "không mở được nhật ký: nhật ký Delta hoặc tệp checkpoint của nó đã bị sửa hoặc xóa",
    ),
    "ledger file touched": BilingualText(
        "the ledger's data file {path} was altered, replaced or removed",
        "tệp dữ liệu {path} của nhật ký đã bị sửa, thay hoặc xóa",
    ),
    "ledger version removed": BilingualText(
        "version {version} of the ledger's log was removed", "phiên bản {version} trong nhật ký Delta của sổ đã bị xóa"
    ),
    "ledger version altered": BilingualText(
        "version {version} of the ledger's log was altered", "phiên bản {version} trong nhật ký Delta của sổ đã bị sửa"
    ),
    "ledger not appended": BilingualText(
        "version {version} of the ledger is a {operation}: the ledger only grows by appends",
        "phiên bản {version} của sổ là thao tác {operation}: sổ chỉ được ghi thêm",
    ),
    "ledger written otherwise": BilingualText(
        "version {version} of the ledger was not written by an append",
        "phiên bản {version} của sổ không phải do ghi thêm mà có",
    ),
    # checkpoints of the ledger
    "checkpoint unreadable": BilingualText(
        "the checkpoint is not readable: it was altered", "không đọc được điểm chốt: đã bị sửa"
    ),
    "checkpoint not signed": BilingualText(
        "the checkpoint of entry {entry} is not signed with the key {key}",
        "điểm chốt của mục {entry} không được ký bằng khóa {key}",
    ),
    "no checkpoint": BilingualText(
        "there is no checkpoint signed with the key {key}: nothing vouches for the ledger's end",
        "không có điểm chốt nào ký bằng khóa {key}: không có gì bảo đảm phần cuối của nhật ký",
    ),
    # logs of tables
    "table gone": BilingualText(
        "{table} was removed or replaced: the table that entry {entry} speaks of is gone",
        "{table} đã bị xóa hoặc thay: bảng mà mục {entry} nói đến không còn",
    ),
    "table cannot be opened": BilingualText(
        "{table} cannot be opened: its log or a checkpoint was altered or removed",
        "không mở được {table}: nhật ký Delta hoặc tệp checkpoint của bảng đã bị sửa hoặc xóa",
    ),
    "version not in ledger": BilingualText(
        "version {version} of {table} is not in the ledger: its record was dropped, or the commit was made past the "
        "pipelines",
        "phiên bản {version} của {table} không có trong nhật ký: mục ghi bị bỏ, hoặc bảng bị ghi ngoài quy trình",
    ),
    "version altered": BilingualText(
        "the log of version {version} of {table} was altered after entry {entry}",
        "nhật ký Delta của phiên bản {version} của {table} đã bị sửa sau mục {entry}",
    ),
    "version upon another": BilingualText(
        "entry {entry} was dropped or replaced: version {version} of {table} was committed upon another",
        "mục {entry} đã bị bỏ hoặc thay: phiên bản {version} của {table} được ghi khi mục ấy có nội dung khác",
    ),
    "version removed": BilingualText(
        "version {version} of {table} was removed from its log",
        "phiên bản {version} của {table} đã bị xóa khỏi nhật ký Delta của bảng",
    ),
    # what readers see
    "older version shown": BilingualText(
        "readers are shown version {shown} of {table}: entry {entry} made version {version}",
        "bên khai thác đang thấy phiên bản {shown} của {table}, trong khi mục {entry} đã ghi phiên bản {version}",
    ),
    "other files shown": BilingualText(
        "readers of {table} are shown other data files than its commits made: {hidden} hidden, {foreign} that are not "
        "of this version",
        "bên khai thác {table} đang thấy tập tệp dữ liệu khác với các lần ghi: {hidden} tệp bị che, {foreign} tệp "
        "không thuộc phiên bản này",
    ),
    "stranger in the log": BilingualText(
        "{name} in the log of {table} is in no entry of the ledger, and readers may believe it",
        "{name} trong nhật ký Delta của {table} không có trong mục nào, và bên khai thác có thể đọc theo nó",
    ),
    "log file altered": BilingualText(
        "{name} in the log of {table} was altered after entry {entry}",
        "{name} trong nhật ký Delta của {table} đã bị sửa sau mục {entry}",
    ),
    "log file removed": BilingualText(
        "{name} was removed from the log of {table}", "{name} đã bị xóa khỏi nhật ký Delta của {table}"
    ),
    # files
    "data file altered": BilingualText(
        "the data file {path} of {table} was altered", "tệp dữ liệu {path} của {table} đã bị sửa"
    ),
    "data file gone": BilingualText(
        "the data file {path} of {table} is gone", "tệp dữ liệu {path} của {table} không còn"
    ),
    "data file unknown": BilingualText(
        "the data file {path} of {table} is in no entry of the ledger",
        "tệp dữ liệu {path} của {table} không có trong mục nào của nhật ký",
    ),
    "file altered": BilingualText(
        "the file {path} was altered after entry {entry}", "tệp {path} đã bị sửa sau mục {entry}"
    ),
    "file gone": BilingualText("the file {path} is gone", "tệp {path} không còn"),
    "file unknown": BilingualText(
        "the file {path} is in no entry of the ledger: others laid it there",
        "tệp {path} không có trong mục nào của nhật ký: do người khác đặt vào",
    ),
    # rows of log tables
    "row altered": BilingualText(
        "the row `{row}` of {of}, run {run_id}, of {table} was altered",
        "bản ghi `{row}` của {of}, lần chạy {run_id}, trong {table} đã bị sửa",
    ),
    "row unknown": BilingualText(
        "the row `{row}` of {of}, run {run_id}, of {table} is in no entry of the ledger: it was added, or its "
        "run renamed",
        "bản ghi `{row}` của {of}, lần chạy {run_id}, trong {table} không có trong mục nào: bị thêm vào, hoặc bị đổi "
        "tên lần chạy",
    ),
    "row gone": BilingualText(
        "1 row is gone from {table} that run {run_id} recorded by entry {entry}",
        "1 bản ghi mà lần chạy {run_id} đã ghi (mục {entry}) không còn trong {table}",
    ),
    "rows gone": BilingualText(
        "{rows} rows are gone from {table} that run {run_id} recorded by entry {entry}",
        "{rows} bản ghi mà lần chạy {run_id} đã ghi (mục {entry}) không còn trong {table}",
    ),
}
WITNESSES = {
    "a checkpoint": "một điểm chốt",
    "the ledger's own log": "nhật ký Delta của sổ",
    "a reader's receipt": "biên nhận của bên khai thác",
}
