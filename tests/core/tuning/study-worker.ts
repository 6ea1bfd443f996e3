// A program that is open until its study has ended or it is killed. Its lines: "open", "trainer PID RUN" while a run is at
// work, "ended".
import { createNodeLauncher } from '#core/system/launcher.ts'
import { createWorkstation } from '#core/workstation/workstation.ts'
import { dispatch } from '#shared/contract/index.ts'
import type { StudyView } from '#shared/contract/studies.ts'
import { fail, unwrap } from '#shared/result.ts'

const [home = '', studyId = ''] = process.argv.slice(2)
const nodes = createNodeLauncher()
let pid: number | undefined
const noBin = { code: 'bin.failed', message: 'No bin here.', where: '', remedy: '' } as const
const workstation = unwrap(
  createWorkstation({
    home,
    isLasting: true,
    launcher: {
      launch(name) {
        const child = nodes.launch(name)
        if (name === 'trainer') pid = child.pid
        return child
      },
    },
    host: { kind: 'direct', pickedPath: () => null, moveToBin: async () => fail(noBin) },
  }),
)
process.stdout.write('open\n')
workstation.onEvent((event, payload) => {
  if (event !== 'training.update') return
  const { state } = payload as { state: { runId: string; status: string } }
  if (state.status === 'running') process.stdout.write(`trainer ${pid} ${state.runId}\n`)
})

for (;;) {
  const view = await dispatch(workstation.handlers, 'studies.get', { studyId })
  const { status } = (view as { value: StudyView }).value.study
  if (status === 'finished' || status === 'failed') break
  await new Promise((resolve) => setTimeout(resolve, 50))
}
process.stdout.write('ended\n')
await workstation.close()
