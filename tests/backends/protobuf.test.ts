// The wire format, byte by byte, against the examples and rules of the public encoding specification.
import { expect, test } from 'vitest'
import { encodeModel } from '#backends/onnx/model-proto.ts'
import { ProtobufWriter } from '#backends/protobuf.ts'

const bytes = (writer: ProtobufWriter): number[] => [...writer.finish()]

test('varints: 150 in field 1 is 08 96 01', () => {
  expect(bytes(new ProtobufWriter().integer(1, 150))).toEqual([0x08, 0x96, 0x01])
  expect(bytes(new ProtobufWriter().integer(2, 0))).toEqual([0x10, 0])
  expect(bytes(new ProtobufWriter().integer(20, 1))).toEqual([0xa0, 0x01, 1])
})

test('negative numbers take ten bytes, large ones keep every bit', () => {
  expect(bytes(new ProtobufWriter().integer(3, -1))).toEqual([0x18, ...new Array(9).fill(0xff), 1])
  expect(bytes(new ProtobufWriter().integer(1, 2 ** 53 - 1))).toEqual([
    0x08,
    ...new Array(7).fill(0xff),
    0x0f,
  ])
})

test('text is UTF-8 behind its length, floats are little-endian', () => {
  expect(bytes(new ProtobufWriter().string(2, 'testing'))).toEqual([0x12, 7, ...Buffer.from('testing')])
  expect(bytes(new ProtobufWriter().string(1, 'ä'))).toEqual([0x0a, 2, 0xc3, 0xa4])
  expect(bytes(new ProtobufWriter().float(2, 1.5))).toEqual([0x15, 0, 0, 0xc0, 0x3f])
})

test('messages nest, and buffers grow', () => {
  const nested = new ProtobufWriter().message(3, (inner) => inner.integer(1, 150))
  expect(bytes(nested)).toEqual([0x1a, 3, 0x08, 0x96, 0x01])
  const deep = new ProtobufWriter().message(1, (outer) =>
    outer.message(2, (inner) => inner.string(3, 'y'.repeat(200))),
  )
  expect(bytes(deep).slice(0, 9)).toEqual([0x0a, 0xce, 1, 0x12, 0xcb, 1, 0x1a, 0xc8, 1])
  expect(bytes(deep).length).toBe(9 + 200)
  const long = 'x'.repeat(5000)
  expect(bytes(new ProtobufWriter().string(1, long)).length).toBe(5003)
})

test('an initializer outside the model carries file, offset and length as text', () => {
  const external = {
    elementType: 'float16',
    dims: [3],
    file: 'w.bin',
    offsetBytes: 64,
    lengthBytes: 6,
  } as const
  const model = encodeModel({
    nodes: [],
    constants: new Map(),
    externals: new Map([['w', external]]),
    inputs: [],
    outputs: [],
    between: [],
  })
  const text = Buffer.from(model).toString('latin1')
  for (const [key, value] of Object.entries({ location: 'w.bin', offset: '64', length: '6' }))
    expect(text).toContain(
      `\n${String.fromCharCode(key.length)}${key}\x12${String.fromCharCode(value.length)}${value}`,
    )
})
