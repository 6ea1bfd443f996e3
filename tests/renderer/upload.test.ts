import { describe, expect, it } from 'vitest'
import { toBase64, type UploadOptions, uploadFile } from '#renderer/components/upload.ts'
import { makeApi } from '#shared/contract/api.ts'
import { uploadPieceBytes } from '#shared/contract/data.ts'
import { dispatch } from '#shared/contract/dispatch.ts'
import { fail, ok } from '#shared/result.ts'

/** The receiving end as the contract asks for it: pieces in order, the whole at the end. */
function receiver(refusesAtBytes = Number.POSITIVE_INFINITY) {
  const calls: string[] = []
  let received = Buffer.alloc(0)
  const handlers = {
    'upload.begin': () => ok({ uploadId: 'u1' }),
    'upload.piece': ({ offset, base64 }: { offset: number; base64: string }) => {
      expect(offset).toBe(received.length)
      if (offset >= refusesAtBytes)
        return fail({ code: 'disk.full', message: 'No room.', where: 'disk', remedy: 'Make room.' })
      received = Buffer.concat([received, Buffer.from(base64, 'base64')])
      return ok({ receivedBytes: received.length })
    },
    'upload.finish': () => ok({ name: 'kept.csv' }),
    'upload.cancel': () => ok({}),
  }
  const api = makeApi({
    call: (name, input) => {
      calls.push(name)
      return dispatch(handlers, name, input)
    },
    onEvent: () => () => {},
  })
  return { api, calls, bytes: () => received }
}

const options = (more: Partial<UploadOptions> = {}): UploadOptions => ({
  purpose: { kind: 'data', projectId: 'p' },
  signal: new AbortController().signal,
  onProgress: () => {},
  ...more,
})
const content = (size: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: size }, (_, at) => (at * 31) % 256)

describe('upload', () => {
  it('sends every byte in pieces of at most 512 KiB, in order', async () => {
    const { api, calls, bytes } = receiver()
    const sent: number[] = []
    const data = content(uploadPieceBytes * 2 + 17)
    const reply = await uploadFile(
      api,
      new File([data], 'mine.csv'),
      options({ onProgress: (count) => sent.push(count) }),
    )
    expect(reply).toEqual({ ok: true, value: { uploadId: 'u1', name: 'kept.csv' } })
    expect(Buffer.compare(bytes(), data)).toBe(0)
    expect(sent).toEqual([uploadPieceBytes, uploadPieceBytes * 2, data.length])
    expect(calls).toEqual(['upload.begin', 'upload.piece', 'upload.piece', 'upload.piece', 'upload.finish'])
  })

  it('takes back what was sent when the person stops', async () => {
    const { api, calls } = receiver()
    const stop = new AbortController()
    const file = new File([content(uploadPieceBytes * 3)], 'mine.csv')
    const reply = await uploadFile(
      api,
      file,
      options({ signal: stop.signal, onProgress: () => stop.abort() }),
    )
    expect(reply).toEqual({ ok: true, value: { uploadId: 'u1', name: null } })
    expect(calls).toEqual(['upload.begin', 'upload.piece', 'upload.cancel'])
  })

  it('takes it back and says why when a piece is refused', async () => {
    const { api, calls } = receiver(uploadPieceBytes)
    const reply = await uploadFile(api, new File([content(uploadPieceBytes + 1)], 'mine.csv'), options())
    expect(reply).toMatchObject({ ok: false, problem: { code: 'disk.full' } })
    expect(calls.at(-1)).toBe('upload.cancel')
  })

  it('says so when the file went away meanwhile', async () => {
    const { api, calls } = receiver()
    const file = new File([content(10)], 'gone.csv')
    Object.defineProperty(file, 'slice', {
      value: () => ({ arrayBuffer: () => Promise.reject(new Error('NotFoundError')) }),
    })
    const reply = await uploadFile(api, file, options())
    expect(reply).toMatchObject({
      ok: false,
      problem: { code: 'file.unreadable', where: 'gone.csv, byte 0' },
    })
    expect(calls.at(-1)).toBe('upload.cancel')
  })

  it('writes base64 as everyone does', () => {
    const data = content(100_003)
    expect(toBase64(data)).toBe(Buffer.from(data).toString('base64'))
  })
})
