// The bytes of a SavedModel, field by field.
import { expect, test } from 'vitest'
import { encodeSavedModel } from '#backends/tensorflow/graph-def.ts'

test('a node carries its operator, inputs, what it waits for, and its attributes', () => {
  const text = Buffer.from(
    encodeSavedModel([
      {
        name: 'y',
        operator: 'Cast',
        inputs: ['x:1'],
        controls: ['before'],
        device: null,
        attributes: { SrcT: { kind: 'type', value: 'float32' }, shape: { kind: 'shape', value: [-1, 2] } },
      },
    ]),
  ).toString('latin1')
  expect(text).toContain('\n\x01y\x12\x04Cast\x1a\x03x:1\x1a\x07^before')
  // Field 5: the key, then the value: type 1 in field 6.
  expect(text).toContain('*\n\n\x04SrcT\x12\x020\x01')
  // A size of -1 is ten bytes, 2 is one.
  expect(text).toContain(`\x12\x0b\x08${'\xff'.repeat(9)}\x01\x12\x02\x08\x02`)
  // Schema 1, then the graph with the tag that it is loaded by.
  expect(text.slice(0, 3)).toBe('\x08\x01\x12')
  expect(text).toContain('\n\x07"\x05serve')
})
