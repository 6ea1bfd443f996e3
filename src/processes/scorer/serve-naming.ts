// Texts that somebody brings, one after the other, in the scorer process: the new last layer stays open between them. Ends
// when its parent ends it.
import { createOnnxBackend } from '#backends/onnx/index.ts'
import { type NamingCommand, type NamingEvent, namingCommand } from '#shared/class-protocol.ts'
import type { ParentPort } from '../parent-port.ts'
import { type OtherMessages, problemOf } from '../serve-job.ts'
import { type Naming, openNaming } from './predict-classes.ts'

export function serveNaming(): OtherMessages {
  let naming: Promise<Naming> | null = null

  return (message, parent) => {
    const command = namingCommand.safeParse(message)
    if (!command.success) return false
    void take(command.data, parent)
    return true
  }

  async function take(command: NamingCommand, parent: ParentPort): Promise<void> {
    const tell = (event: NamingEvent): Promise<void> => parent.send(event)
    const tellFailed = (error: unknown): Promise<void> =>
      tell({ kind: 'failed', problem: problemOf(error, 'scorer.failed') })
    if (command.kind === 'openNaming') {
      naming ??= openNaming(command.job, createOnnxBackend())
      return naming.then(
        () => {},
        async (error: unknown) => {
          await tellFailed(error)
          process.exit(1)
        },
      )
    }
    const name = await naming?.catch(() => null)
    // One that could not be opened has said so and ends.
    if (!name) return
    try {
      await tell({ kind: 'named', ...(await name(command.text)) })
    } catch (error) {
      await tellFailed(error)
    }
  }
}
