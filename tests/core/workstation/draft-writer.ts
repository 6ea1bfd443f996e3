// A process that saves a project's draft and sends files without pause until it is killed. Each line it prints is something
// that was acknowledged: "draft N" or "file N".
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { type CallInput, type CallName, dispatch } from '#shared/contract/index.ts'
import { fail, unwrap } from '#shared/result.ts'

const [home = '', projectId = '', first = '0'] = process.argv.slice(2)
const unavailable = { code: 'bin.failed', message: 'No bin here.', where: '', remedy: '' } as const
const { handlers } = unwrap(
  createWorkstation({
    home,
    launcher: createNodeLauncher(),
    host: { kind: 'direct', pickedPath: () => null, moveToBin: async () => fail(unavailable) },
  }),
)

async function call<C extends CallName>(name: C, input: CallInput<C>): Promise<unknown> {
  const reply = await dispatch(handlers, name, input)
  if (!reply.ok) throw new Error(JSON.stringify(reply.problem))
  return reply.value
}

/** A file whose every line holds the same number: a torn one would show. */
const contentOf = (n: number): Buffer => Buffer.from(`text,label\n${`row ${n},label ${n}\n`.repeat(2000)}`)

async function send(n: number): Promise<void> {
  const bytes = contentOf(n)
  const purpose = { kind: 'data', projectId } as const
  const { uploadId } = (await call('upload.begin', {
    purpose,
    name: 'rows.csv',
    sizeBytes: bytes.length,
  })) as { uploadId: string }
  for (let offset = 0; offset < bytes.length; offset += 8192) {
    const base64 = bytes.subarray(offset, offset + 8192).toString('base64')
    await call('upload.piece', { uploadId, offset, base64 })
  }
  await call('upload.finish', { uploadId })
}

process.stdout.write('open\n')
for (let n = Number(first); ; n += 1) {
  await call('projects.saveDraft', {
    projectId,
    draft: { splitSeed: n, instruction: `draft ${n}`.repeat(200) },
  })
  process.stdout.write(`draft ${n}\n`)
  await send(n)
  process.stdout.write(`file ${n}\n`)
}
