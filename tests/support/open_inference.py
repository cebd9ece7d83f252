"""Messages of the Open Inference protocol in protobuf, by the fields that its definition numbers."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "inference"
_MANY = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_ONE = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
_TYPES = descriptor_pb2.FieldDescriptorProto.Type
# message → field → number, type, how often (apis/mlops/v2_dataplane/v2_dataplane.proto of SeldonIO/seldon-core)
_FIELDS: dict[str, dict[str, tuple[int, str, int]]] = {
    "Contents": {
        "bool_contents": (1, "BOOL", _MANY),
        "int_contents": (2, "INT32", _MANY),
        "int64_contents": (3, "INT64", _MANY),
        "uint_contents": (4, "UINT32", _MANY),
        "uint64_contents": (5, "UINT64", _MANY),
        "fp32_contents": (6, "FLOAT", _MANY),
        "fp64_contents": (7, "DOUBLE", _MANY),
        "bytes_contents": (8, "BYTES", _MANY),
    },
    "Parameter": {
        "bool_param": (1, "BOOL", _ONE),
        "int64_param": (2, "INT64", _ONE),
        "string_param": (3, "STRING", _ONE),
    },
    # an entry of a map is a message of its own
    "Entry": {"key": (1, "STRING", _ONE), "value": (2, "Parameter", _ONE)},
    "Tensor": {
        "name": (1, "STRING", _ONE),
        "datatype": (2, "STRING", _ONE),
        "shape": (3, "INT64", _MANY),
        "parameters": (4, "Entry", _MANY),
        "contents": (5, "Contents", _ONE),
    },
    "ModelInferRequest": {
        "model_name": (1, "STRING", _ONE),
        "model_version": (2, "STRING", _ONE),
        "id": (3, "STRING", _ONE),
        "parameters": (4, "Entry", _MANY),
        "inputs": (5, "Tensor", _MANY),
        "outputs": (6, "Tensor", _MANY),
        "raw_input_contents": (7, "BYTES", _MANY),
    },
    "ModelInferResponse": {
        "model_name": (1, "STRING", _ONE),
        "model_version": (2, "STRING", _ONE),
        "id": (3, "STRING", _ONE),
        "parameters": (4, "Entry", _MANY),
        "outputs": (5, "Tensor", _MANY),
        "raw_output_contents": (6, "BYTES", _MANY),
    },
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="v2_dataplane.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, label) in fields.items():
            own = message.field.add(name=field, number=number, label=label)
            if kind in _FIELDS:
                own.type, own.type_name = _TYPES.Value("TYPE_MESSAGE"), f".{_PACKAGE}.{kind}"
            else:
                own.type = _TYPES.Value(f"TYPE_{kind}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in ("ModelInferRequest", "ModelInferResponse")
    }


_CLASSES = _classes()


def infer_request(**fields: Any) -> bytes:
    """A request as a client sends it."""
    return bytes(_CLASSES["ModelInferRequest"](**fields).SerializeToString())


def infer_response(**fields: Any) -> bytes:
    """A response as a server sends it."""
    return bytes(_CLASSES["ModelInferResponse"](**fields).SerializeToString())
