"""Reader of Ground Truth's worker responses."""

from __future__ import annotations

import msgspec

from groundloop.errors import UserError
from groundloop.labels.formats.answer_content import AnswerJson, check_comparable, worker_answer
from groundloop.labels.formats.answer_files import AnswerFiles, contents
from groundloop.labels.formats.disk import decode_json, decode_text
from groundloop.labels.formats.worker_response.job_folder import JobImage, job_images, response_file
from groundloop.labels.worker_answers import AnswerFinding, WorkerAnswer, WorkerAnswers


class _Response(msgspec.Struct):
    answers: list[AnswerJson]


def is_response(name: str) -> bool:
    """Return whether a file holds worker responses, by its place."""
    return response_file(name) is not None


def response_answers(files: AnswerFiles) -> WorkerAnswers:
    """Read the worker responses of one labelling job or several.

    Files and answers that can't be read are findings; where those that name the images can't, object ids do.
    """
    found = [file for name in files.names if (file := response_file(name))]
    answers: list[WorkerAnswer] = []
    findings: list[AnswerFinding] = []
    images = {job: job_images(files, job, findings) for job in sorted({file.job for file in found})}
    by_name = {file.name: file for file in found}
    ordered = sorted(by_name, key=lambda name: (by_name[name].job, by_name[name].object_id, name))
    for name, content in contents(files, ordered):
        file, uri = by_name[name], files.uri(name)
        image = images[file.job].get(file.object_id) or JobImage(f"{file.job}object {file.object_id}")
        try:
            if isinstance(content, UserError):
                raise content
            decode_text(uri, content)  # rejects what is not UTF-8, which raw values are not checked for
            response = decode_json(uri, content, _Response)
        except UserError as error:
            findings.append(AnswerFinding(uri, str(error)))
            continue
        for number, answer in enumerate(response.answers, start=1):
            where = f"{uri}: answer {number}"
            try:
                read = worker_answer(where, answer, image.name, image.shown, blind=image.blind)
                check_comparable(where, read)
            except UserError as error:
                findings.append(AnswerFinding(uri, str(error)))
            else:
                answers.append(read)
    return WorkerAnswers(tuple(answers), tuple(findings))
