import { describe, expect, test } from 'vitest'
import { crc32c, frameRecord, scalarEvent, versionEvent } from '#formats/tensorboard.ts'
import { readEventFile } from './event-file.ts'

describe('event files of TensorBoard', () => {
  test('checksums are those of RFC 3720, appendix B.4', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
  })

  test('the first record is, byte for byte, what TensorBoard itself writes', () => {
    // RecordWriter of tensorboard 2.21.0 with Event(wall_time=1, file_version="brain.Event:2").
    expect(Buffer.from(versionEvent(1000)).toString('hex')).toBe(
      '1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a',
    )
  })

  test('figures, large steps and texts come back as they were given', () => {
    const bytes = Buffer.concat([
      versionEvent(1_750_000_000_123),
      scalarEvent(1_750_000_000_456, 0, { tag: 'loss/train', scalar: 0.1 }),
      scalarEvent(1_750_000_000_789, 5_000_000_000, { tag: 'größe', scalar: -1e30 }),
      scalarEvent(1, 300, { tag: 't', text: '| a | ünïcode |\n'.repeat(200) }),
    ])
    expect(readEventFile(bytes)).toEqual([
      { wallTimeMs: 1_750_000_000_123, step: 0, version: 'brain.Event:2' },
      { wallTimeMs: 1_750_000_000_456, step: 0, tag: 'loss/train', scalar: Math.fround(0.1) },
      { wallTimeMs: 1_750_000_000_789, step: 5_000_000_000, tag: 'größe', scalar: Math.fround(-1e30) },
      { wallTimeMs: 1, step: 300, tag: 't', text: '| a | ünïcode |\n'.repeat(200) },
    ])
  })

  test('one changed bit breaks a checksum', () => {
    const record = frameRecord(new TextEncoder().encode('a message'))
    for (let bit = 0; bit < record.length * 8; bit += 1) {
      const changed = Buffer.from(record)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(() => readEventFile(changed)).toThrow()
    }
  })
})
