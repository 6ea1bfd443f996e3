// An ONNX model as plain values, and its bytes. Field numbers are those of the onnx.proto3 specification.
// Knows the file format only: no operator, no graph of ours.
import type { Dim } from '#engine/ir/types.ts'
import { ProtobufWriter } from './protobuf.ts'

/** TensorProto.DataType */
export const elementTypes = { float32: 1, int64: 7, bool: 9, float16: 10, bfloat16: 16 } as const
export type ElementType = keyof typeof elementTypes

export type OnnxAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: OnnxConstant }

export interface OnnxNode {
  readonly operator: string
  /** '' is the standard's own; 'com.microsoft' holds ONNX Runtime's additions. */
  readonly domain: '' | 'com.microsoft'
  /** An absent optional input is ''. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
}

/** Little-endian, row-major. */
export interface OnnxConstant {
  readonly elementType: ElementType
  readonly dims: readonly number[]
  readonly bytes: Uint8Array
}

/** An initializer whose bytes lie in a file beside the model. */
export interface OnnxExternal {
  readonly elementType: ElementType
  readonly dims: readonly number[]
  readonly file: string
  readonly offsetBytes: number
  readonly lengthBytes: number
}

export interface OnnxPort {
  readonly name: string
  readonly elementType: ElementType
  readonly dims: readonly Dim[]
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[]
  readonly constants: ReadonlyMap<string, OnnxConstant>
  readonly externals: ReadonlyMap<string, OnnxExternal>
  readonly inputs: readonly OnnxPort[]
  readonly outputs: readonly OnnxPort[]
  /** Shapes of what lies between. */
  readonly between: readonly OnnxPort[]
}

/** IR version 10 belongs to operator set 21; both are read by every ONNX Runtime since 1.18. */
const irVersion = 10
const standardOperatorSet = 21
const microsoftOperatorSet = 1

export function encodeModel(model: OnnxModel): Uint8Array {
  const operatorSet = (domain: string, version: number): ProtobufWriter =>
    new ProtobufWriter().string(1, domain).integer(2, version)
  return new ProtobufWriter()
    .integer(1, irVersion)
    .string(2, 'tunewright')
    .message(7, encodeGraph(model))
    .message(8, operatorSet('', standardOperatorSet))
    .message(8, operatorSet('com.microsoft', microsoftOperatorSet))
    .finish()
}

function encodeGraph(model: OnnxModel): ProtobufWriter {
  const graph = new ProtobufWriter()
  for (const node of model.nodes) graph.message(1, encodeNode(node))
  graph.string(2, 'tunewright')
  for (const [name, constant] of model.constants) graph.message(5, encodeConstant(constant, name))
  for (const [name, external] of model.externals) graph.message(5, encodeExternal(external, name))
  for (const port of model.inputs) graph.message(11, encodePort(port))
  for (const port of model.outputs) graph.message(12, encodePort(port))
  for (const port of model.between) graph.message(13, encodePort(port))
  return graph
}

function encodeNode(node: OnnxNode): ProtobufWriter {
  const writer = new ProtobufWriter()
  for (const name of node.inputs) writer.string(1, name)
  for (const name of node.outputs) writer.string(2, name)
  writer.string(3, node.outputs[0] ?? '').string(4, node.operator)
  for (const [name, attribute] of Object.entries(node.attributes))
    writer.message(5, encodeAttribute(name, attribute))
  return node.domain === '' ? writer : writer.string(7, node.domain)
}

/** AttributeProto.AttributeType in field 20. */
function encodeAttribute(name: string, attribute: OnnxAttribute): ProtobufWriter {
  const writer = new ProtobufWriter().string(1, name)
  switch (attribute.kind) {
    case 'float':
      return writer.float(2, attribute.value).integer(20, 1)
    case 'int':
      return writer.integer(3, attribute.value).integer(20, 2)
    case 'string':
      return writer.string(4, attribute.value).integer(20, 3)
    case 'tensor':
      return writer.message(5, encodeConstant(attribute.value, '')).integer(20, 4)
    case 'ints':
      for (const value of attribute.value) writer.integer(8, value)
      return writer.integer(20, 7)
  }
}

function encodeTensorHead(elementType: ElementType, dims: readonly number[], name: string): ProtobufWriter {
  const writer = new ProtobufWriter()
  for (const dim of dims) writer.integer(1, dim)
  return writer.integer(2, elementTypes[elementType]).string(8, name)
}

function encodeConstant(constant: OnnxConstant, name: string): ProtobufWriter {
  return encodeTensorHead(constant.elementType, constant.dims, name).bytes(9, constant.bytes)
}

/** data_location 1 is EXTERNAL; offset and length are decimal text by the specification. */
function encodeExternal(external: OnnxExternal, name: string): ProtobufWriter {
  const writer = encodeTensorHead(external.elementType, external.dims, name)
  const entries = {
    location: external.file,
    offset: String(external.offsetBytes),
    length: String(external.lengthBytes),
  }
  for (const [key, value] of Object.entries(entries))
    writer.message(13, new ProtobufWriter().string(1, key).string(2, value))
  return writer.integer(14, 1)
}

function encodePort(port: OnnxPort): ProtobufWriter {
  const shape = new ProtobufWriter()
  for (const dim of port.dims)
    shape.message(
      1,
      typeof dim === 'number' ? new ProtobufWriter().integer(1, dim) : new ProtobufWriter().string(2, dim),
    )
  const tensor = new ProtobufWriter().integer(1, elementTypes[port.elementType]).message(2, shape)
  return new ProtobufWriter().string(1, port.name).message(2, new ProtobufWriter().message(1, tensor))
}
