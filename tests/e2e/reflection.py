"""A gRPC client that knows nothing but an address: it learns services and messages by reflection.

    client = reflection.Client("127.0.0.1:9102")
    client.services()                  ["dondoc.v1.RatioService", "grpc.health.v1.Health", …]
    client.call("dondoc.v1.RatioService", "GetSummary", {"from": "2023-01-01", "to": "2023-11-15"})

Requests and answers are dicts in the public JSON form (snake_case, every field present).
"""

import threading

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

_CALL_SECONDS_MAX = 60
_lock = threading.Lock()
_channels = {}


def _channel(address):
    with _lock:
        if address not in _channels:
            _channels[address] = grpc.insecure_channel(address, options=[
                ("grpc.max_receive_message_length", 64 << 20),
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.initial_reconnect_backoff_ms", 50),
                ("grpc.min_reconnect_backoff_ms", 50)])
        return _channels[address]


def forget_channels():
    with _lock:
        for channel in _channels.values():
            channel.close()
        _channels.clear()


def _message(file, name, fields, oneof=None):
    message = file.message_type.add(name=name)
    if oneof:
        message.oneof_decl.add(name=oneof)
    for number, field_name, kind, repeated, in_oneof in fields:
        field = message.field.add(
            name=field_name, number=number,
            label=descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED if repeated
            else descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
        if isinstance(kind, int):
            field.type = kind
        else:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
            field.type_name = kind
        if in_oneof:
            field.oneof_index = 0


def _bootstrap():
    """The protocols that must be known beforehand: reflection itself, and health."""
    text = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
    data = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
    number = descriptor_pb2.FieldDescriptorProto.TYPE_INT32
    pool = descriptor_pool.DescriptorPool()
    file = descriptor_pb2.FileDescriptorProto(
        name="reflection.proto", package="grpc.reflection.v1alpha", syntax="proto3")
    _message(file, "ServerReflectionRequest", [
        (1, "host", text, False, False), (4, "file_containing_symbol", text, False, True),
        (7, "list_services", text, False, True)], "message_request")
    _message(file, "FileDescriptorResponse", [(1, "file_descriptor_proto", data, True, False)])
    _message(file, "ServiceResponse", [(1, "name", text, False, False)])
    _message(file, "ListServiceResponse", [
        (1, "service", ".grpc.reflection.v1alpha.ServiceResponse", True, False)])
    _message(file, "ErrorResponse", [
        (1, "error_code", number, False, False), (2, "error_message", text, False, False)])
    _message(file, "ServerReflectionResponse", [
        (4, "file_descriptor_response", ".grpc.reflection.v1alpha.FileDescriptorResponse", False, True),
        (6, "list_services_response", ".grpc.reflection.v1alpha.ListServiceResponse", False, True),
        (7, "error_response", ".grpc.reflection.v1alpha.ErrorResponse", False, True)],
             "message_response")
    pool.Add(file)
    health = descriptor_pb2.FileDescriptorProto(
        name="health.proto", package="grpc.health.v1", syntax="proto3")
    _message(health, "HealthCheckRequest", [(1, "service", text, False, False)])
    _message(health, "HealthCheckResponse", [(1, "status", number, False, False)])
    pool.Add(health)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(name)) for name in (
        "grpc.reflection.v1alpha.ServerReflectionRequest",
        "grpc.reflection.v1alpha.ServerReflectionResponse",
        "grpc.health.v1.HealthCheckRequest", "grpc.health.v1.HealthCheckResponse")}


_KNOWN = _bootstrap()


def health(address, service="", seconds=5):
    """"SERVING", "NOT_SERVING", or the gRPC code's name when it does not say."""
    request = _KNOWN["grpc.health.v1.HealthCheckRequest"](service=service)
    call = _channel(address).unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=_KNOWN["grpc.health.v1.HealthCheckResponse"].FromString)
    try:
        return {1: "SERVING", 2: "NOT_SERVING"}.get(call(request, timeout=seconds).status, "UNKNOWN")
    except grpc.RpcError as error:
        return error.code().name


def is_serving(address):
    return health(address) == "SERVING"


class Client:
    def __init__(self, address):
        self._channel = _channel(address)
        self._pool = descriptor_pool.DescriptorPool()
        self._factory = message_factory.MessageFactory(self._pool)
        self._files = set()

    def _ask(self, **question):
        request = _KNOWN["grpc.reflection.v1alpha.ServerReflectionRequest"](**question)
        call = self._channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=_KNOWN["grpc.reflection.v1alpha.ServerReflectionResponse"].FromString)
        answer = next(iter(call(iter([request]), timeout=_CALL_SECONDS_MAX)))
        if answer.HasField("error_response"):
            raise LookupError(answer.error_response.error_message)
        return answer

    def services(self):
        return sorted(service.name for service in
                      self._ask(list_services="*").list_services_response.service)

    def _service(self, name):
        try:
            return self._pool.FindServiceByName(name)
        except KeyError:
            pass
        answer = self._ask(file_containing_symbol=name)
        waiting = {}
        for data in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            if file.name not in self._files:
                waiting[file.name] = file
        while waiting:
            ready = [file for file in waiting.values()
                     if all(name in self._files for name in file.dependency)]
            if not ready:
                raise LookupError("reflection left out a dependency of %s" % sorted(waiting))
            for file in ready:
                self._pool.Add(file)
                self._files.add(file.name)
                del waiting[file.name]
        return self._pool.FindServiceByName(name)

    def methods(self, service):
        return {method.name: method for method in self._service(service).methods}

    def request_type(self, service, method):
        return self._factory.GetPrototype(self.methods(service)[method].input_type)

    def call(self, service, method, request=None, seconds=_CALL_SECONDS_MAX, metadata=None):
        """One unary call; grpc.RpcError as the server says."""
        described = self.methods(service)[method]
        message = json_format.ParseDict(request or {}, self._factory.GetPrototype(described.input_type)())
        call = self._channel.unary_unary(
            "/%s/%s" % (service, method),
            request_serializer=lambda value: value.SerializeToString(),
            response_deserializer=self._factory.GetPrototype(described.output_type).FromString)
        return as_dict(call(message, timeout=seconds, metadata=metadata))

    def stream(self, service, method, requests, seconds=_CALL_SECONDS_MAX):
        """A streaming call of any kind; an iterator over its answers. `requests`: dicts, any iterable.

        On the wire a call with one request is a stream of one, so all kinds are called alike.
        """
        described = self.methods(service)[method]
        request_type = self._factory.GetPrototype(described.input_type)
        call = self._channel.stream_stream(
            "/%s/%s" % (service, method),
            request_serializer=lambda value: value.SerializeToString(),
            response_deserializer=self._factory.GetPrototype(described.output_type).FromString)
        messages = (json_format.ParseDict(request, request_type()) for request in requests)
        return (as_dict(answer) for answer in call(messages, timeout=seconds))


def as_dict(message):
    return json_format.MessageToDict(message, including_default_value_fields=True,
                                     preserving_proto_field_name=True)
