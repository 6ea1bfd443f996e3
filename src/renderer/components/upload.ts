// Sends a file to the program in pieces, in order, with progress; a stop or a fault takes back what was sent.
import type { Api } from '#shared/contract/api.ts'
import type { CallInput } from '#shared/contract/contract.ts'
import { uploadPieceBytes } from '#shared/contract/data.ts'
import { ok, type Result } from '#shared/result.ts'
import { t } from '../words/index.ts'

export type UploadPurpose = CallInput<'upload.begin'>['purpose']

export interface UploadOptions {
  readonly purpose: UploadPurpose
  readonly signal: AbortSignal
  /** Bytes that have arrived. */
  onProgress(sentBytes: number): void
}

export interface Uploaded {
  readonly uploadId: string
  /** The file's name as the program keeps it; null where the person stopped. */
  readonly name: string | null
}

/** Problems are those of the calls; a file that cannot be read any more ends as `file.unreadable`. */
export async function uploadFile(
  api: Pick<Api, 'call'>,
  file: File,
  options: UploadOptions,
): Promise<Result<Uploaded>> {
  const begun = await api.call('upload.begin', {
    purpose: options.purpose,
    name: file.name,
    sizeBytes: file.size,
  })
  if (!begun.ok) return begun
  const { uploadId } = begun.value
  const sent = await sendPieces(api, file, uploadId, options)
  if (sent.ok && !options.signal.aborted) {
    const finished = await api.call('upload.finish', { uploadId })
    return finished.ok ? ok({ uploadId, name: finished.value.name }) : finished
  }
  await api.call('upload.cancel', { uploadId })
  return sent.ok ? ok({ uploadId, name: null }) : sent
}

async function sendPieces(
  api: Pick<Api, 'call'>,
  file: File,
  uploadId: string,
  { signal, onProgress }: UploadOptions,
): Promise<Result<void>> {
  for (let offset = 0; offset < file.size && !signal.aborted; offset += uploadPieceBytes) {
    const bytes = await readPiece(file, offset)
    if (!bytes.ok) return bytes
    const reply = await api.call('upload.piece', { uploadId, offset, base64: toBase64(bytes.value) })
    if (!reply.ok) return reply
    onProgress(reply.value.receivedBytes)
  }
  return ok(undefined)
}

async function readPiece(file: File, offset: number): Promise<Result<Uint8Array>> {
  try {
    return ok(new Uint8Array(await file.slice(offset, offset + uploadPieceBytes).arrayBuffer()))
  } catch (error) {
    return {
      ok: false,
      problem: {
        code: 'file.unreadable',
        message: t('common.files.unreadable.message'),
        where: t('common.files.unreadable.where', { name: file.name, offset: String(offset) }),
        remedy: t('common.files.unreadable.remedy'),
        details: String(error),
      },
    }
  }
}

/** The arguments of one call are limited, so the text is put together from runs of 32 KiB. */
export function toBase64(bytes: Uint8Array): string {
  const run = 0x80_00
  let text = ''
  for (let start = 0; start < bytes.length; start += run)
    text += String.fromCharCode(...bytes.subarray(start, start + run))
  return btoa(text)
}
