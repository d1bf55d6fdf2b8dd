/**
 * What a compiled .proto file says, as a flat list of facts in words: a map from the name of a
 * declaration to everything about it that matters on the wire or to generated code. Order, comments
 * and positions are no facts.
 */
import { type DescMessage, fromBinary, type MessageShape, toJsonString } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  EnumOptionsSchema,
  EnumValueOptionsSchema,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldOptionsSchema,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  FileOptionsSchema,
  MessageOptionsSchema,
  MethodOptionsSchema,
  type ServiceDescriptorProto,
  ServiceOptionsSchema,
} from "@bufbuild/protobuf/wkt";

/** From a declaration, for example `field csi.v1.Volume.volume_id`, to what it says. */
export type Facts = ReadonlyMap<string, string>;
type Fact = readonly [declaration: string, says: string];

/** The facts of all files of `packageName` in a serialized FileDescriptorSet. */
export function factsOf(descriptorSet: Uint8Array, packageName: string): Facts {
  const files = fromBinary(FileDescriptorSetSchema, descriptorSet).file
    .filter((file) => file.package === packageName);
  return new Map(files.flatMap(fileFacts));
}

/** The differences between two lists of facts, one line each; empty when there are none. */
export function differences(ours: Facts, official: Facts): string[] {
  const names = [...new Set([...ours.keys(), ...official.keys()])].sort();
  return names.flatMap((name) => {
    const our = ours.get(name);
    const their = official.get(name);
    if (our === their) return [];
    if (our === undefined) return [`${name} is missing; officially it is: ${their}`];
    if (their === undefined) return [`${name} does not exist officially; ours is: ${our}`];
    return [`${name} differs: ours is ${our}; officially it is ${their}`];
  });
}

function fileFacts(file: FileDescriptorProto): Fact[] {
  const prefix = file.package;
  return [
    [`package ${prefix}`, `syntax ${file.syntax}${optionsText(FileOptionsSchema, file.options)}`],
    [`imports of ${prefix}`, [...file.dependency].sort().join(", ")],
    ...file.extension.map((field): Fact => [
      `extension ${prefix}.${field.name} of ${field.extendee}`,
      fieldText(field, []),
    ]),
    ...file.messageType.flatMap((message) => messageFacts(message, prefix)),
    ...file.enumType.flatMap((one) => enumFacts(one, prefix)),
    ...file.service.flatMap((service) => serviceFacts(service, prefix)),
  ];
}

function messageFacts(message: DescriptorProto, prefix: string): Fact[] {
  const name = `${prefix}.${message.name}`;
  const oneofs = message.oneofDecl.map((oneof) => oneof.name);
  return [
    [`message ${name}`, `a message${optionsText(MessageOptionsSchema, message.options)}`],
    [`reserved in ${name}`, JSON.stringify([message.reservedRange, message.reservedName])],
    ...message.field.map((field): Fact => [
      `field ${name}.${field.name}`,
      fieldText(field, oneofs),
    ]),
    ...message.nestedType.flatMap((nested) => messageFacts(nested, name)),
    ...message.enumType.flatMap((nested) => enumFacts(nested, name)),
  ];
}

function fieldText(field: FieldDescriptorProto, oneofs: readonly string[]): string {
  const type = FieldDescriptorProto_Type[field.type].toLowerCase();
  const label = FieldDescriptorProto_Label[field.label].toLowerCase();
  const isInOneof = Object.hasOwn(field, "oneofIndex");
  return [
    `number ${field.number}`,
    `${label} ${type}${field.typeName === "" ? "" : ` ${field.typeName}`}`,
    `JSON name ${field.jsonName}`,
    ...(isInOneof ? [`in oneof ${oneofs[field.oneofIndex]}`] : []),
    ...(field.proto3Optional ? ["with presence"] : []),
  ].join(", ") + optionsText(FieldOptionsSchema, field.options);
}

function enumFacts(one: EnumDescriptorProto, prefix: string): Fact[] {
  const name = `${prefix}.${one.name}`;
  return [
    [`enum ${name}`, `an enum${optionsText(EnumOptionsSchema, one.options)}`],
    ...one.value.map((value): Fact => [
      `enum value ${name}.${value.name}`,
      `number ${value.number}${optionsText(EnumValueOptionsSchema, value.options)}`,
    ]),
  ];
}

function serviceFacts(service: ServiceDescriptorProto, prefix: string): Fact[] {
  const name = `${prefix}.${service.name}`;
  return [
    [`service ${name}`, `a service${optionsText(ServiceOptionsSchema, service.options)}`],
    ...service.method.map((method): Fact => [
      `method ${name}.${method.name}`,
      `${method.clientStreaming ? "stream of " : ""}${method.inputType} to ` +
      `${method.serverStreaming ? "stream of " : ""}${method.outputType}` +
      optionsText(MethodOptionsSchema, method.options),
    ]),
  ];
}

/** Standard options as JSON; CSI's own, which are unknown fields here, by number and bytes. */
function optionsText<Schema extends DescMessage>(
  schema: Schema,
  options: MessageShape<Schema> | undefined,
): string {
  if (options === undefined) return "";
  const own = (options.$unknown ?? [])
    .map(({ no, data }) => `${no}=${[...data].join(".")}`)
    .sort();
  const standard = toJsonString(schema, options);
  const all = [...(standard === "{}" ? [] : [standard]), ...own];
  return all.length === 0 ? "" : `, options ${all.join(" ")}`;
}
