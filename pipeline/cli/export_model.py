"""`groundloop export-model`: a trained model as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, class_names, load
from pipeline.cli.output import print_json, print_line


def export_model(
    model: Annotated[str, typer.Argument(help="model.tar.gz, a version of the registry, or a local run's folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="ONNX file to write.")] = Path("detector.onnx"),
    classes: Annotated[
        list[str] | None,
        typer.Option(help="Class names in the model's order, nut,bolt; repeatable. For a model.tar.gz."),
    ] = None,
    with_nms: Annotated[
        bool, typer.Option("--with-nms", help="Suppress in the graph, for devices that run nothing else.")
    ] = False,
    mean: Annotated[
        str | None, typer.Option(help="R,G,B to subtract; default: 123,117,104 for vgg-16, nothing for resnet-50.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Convert a trained model to ONNX, without MXNet.

    Class names, operating thresholds, the model package and the digest of the model travel inside of the file. Such a
    file runs with onnxruntime: pip install 'groundloop[onnx]'.

    Example: groundloop export-model 7 -o detector.onnx
    """
    from groundloop.errors import UserError
    from pipeline.exported_model import find_model
    from pipeline.extras import require

    require("onnx")
    values = _mean(mean)
    if output.exists():
        raise UserError(f"{output} exists already: choose another name with --output, or remove it")
    found = find_model(model, class_names(classes or []), lambda: load(config, assignments))
    import onnx

    from groundloop.portable.conversion import to_onnx
    from groundloop.portable.model_info import INPUT, from_metadata

    converted = to_onnx(
        found.archive,
        found.classes,
        with_nms=with_nms,
        mean=values,
        thresholds=found.thresholds,
        model_package=found.package,
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial")
    onnx.save(converted, partial)
    partial.replace(output)
    info = from_metadata({item.key: item.value for item in converted.metadata_props}, str(output))
    if as_json:
        import msgspec

        print_json({"file": str(output), **msgspec.to_builtins(info)})
        return
    print_line(f"written: {output} ({output.stat().st_size / 2**20:.1f} MiB)")
    print_line(f"input    {INPUT}: 1 x 3 x {info.side} x {info.side}, RGB from 0 to 255")
    print_line(f"classes  {', '.join(info.classes)}")
    if not info.is_stand_in:
        subtracted = ", ".join(f"{value:g}" for value in info.mean) if any(info.mean) else "nothing"
        print_line(f"mean     {subtracted} is subtracted; AWS does not publish what its image does (--mean)")
    if not info.thresholds:
        print_line("note: no operating thresholds are known; a version of the registry has them", to_stderr=True)


def _mean(text: str | None) -> tuple[float, float, float] | None:
    from groundloop.errors import UserError

    if text is None:
        return None
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--mean {text!r}: three numbers are needed, such as 123,117,104") from None
    if not all(0 <= value <= 255 for value in (red, green, blue)):
        raise UserError(f"--mean {text}: each value lies in 0 to 255")
    return red, green, blue
