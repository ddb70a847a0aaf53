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
    quantize: Annotated[
        str | None, typer.Option(metavar="int8", help="Quantize; mAP is measured before and after.")
    ] = None,
    max_loss: Annotated[
        float, typer.Option(min=0, max=1, metavar="MAP", help="How much mAP quantization may cost, absolute.")
    ] = 0.02,
    calibrate: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Images to calibrate on; default: the validation split.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Labels to measure a model.tar.gz on, in any format.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Image files to measure on; default: S3.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Convert a trained model to ONNX, without MXNet.

    Class names, operating thresholds, the model package and the digest of the model travel inside of the file. Such a
    file runs with onnxruntime: pip install 'groundloop[onnx]'.

    --quantize int8 calibrates on at most 100 images, measures the model before and after on the test split, and writes
    nothing if mAP falls by more than --max-loss.

    Example: groundloop export-model 7 -o detector.onnx
    """
    from groundloop.errors import UserError
    from pipeline.exported_model import find_model
    from pipeline.extras import require

    require("onnx", *(("onnxruntime",) if quantize else ()))
    values = _mean(mean)
    if quantize not in (None, "int8"):
        raise UserError(f"--quantize {quantize!r}: only int8 is possible")
    if quantize is None and (calibrate or labels or images):
        raise UserError("--calibrate, --labels and --images are for --quantize int8")
    if output.exists():
        raise UserError(f"{output} exists already: choose another name with --output, or remove it")
    found = find_model(model, class_names(classes or []), lambda: load(config, assignments))
    import onnx

    from groundloop.portable.conversion import to_onnx
    from groundloop.portable.model_info import INPUT, from_metadata
    from pipeline.cli.labels.progress import counter
    from pipeline.quantized_model import quantization_data
    from pipeline.quantized_model import quantize as quantize_model

    converted = to_onnx(
        found.archive,
        found.classes,
        with_nms=with_nms,
        mean=values,
        thresholds=found.thresholds,
        model_package=found.package,
        count_error=found.count_error,
    )
    quantized = None
    if quantize:
        data = quantization_data(
            model,
            found.classes,
            lambda: load(config, assignments),
            calibrate=calibrate,
            labels=labels,
            images=images,
        )
        show, total = counter("images measured"), len(data.labelled)
        quantized = quantize_model(converted, data, max_loss=max_loss, done=lambda count: show(count, total))
        converted = quantized.model
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial")
    onnx.save(converted, partial)
    partial.replace(output)
    info = from_metadata({item.key: item.value for item in converted.metadata_props}, str(output))
    if as_json:
        import msgspec

        measured = {} if quantized is None else {"quantized": quantized.as_json()}
        print_json({"file": str(output), **msgspec.to_builtins(info), **measured})
        return
    print_line(f"written: {output} ({output.stat().st_size / 2**20:.1f} MiB)")
    print_line(f"input    {INPUT}: 1 x 3 x {info.side} x {info.side}, RGB from 0 to 255")
    print_line(f"classes  {', '.join(info.classes)}")
    if not info.is_stand_in:
        subtracted = ", ".join(f"{value:g}" for value in info.mean) if any(info.mean) else "nothing"
        print_line(f"mean     {subtracted} is subtracted; AWS does not publish what its image does (--mean)")
    if quantized is not None:
        before, after = quantized.before, quantized.after
        print_line(
            f"int8     mAP {before['map']:.3f} before, {after['map']:.3f} after, AP50 {before['map_50']:.3f} and "
            f"{after['map_50']:.3f}, on {quantized.images} {quantized.split}; calibrated on "
            f"{quantized.calibration_images} images"
        )
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
