// The whole job of the generator process: prompts through the model's own chat template to token ids, greedy answers of
// base and tuned, token ids back to text by the model's own tokenizer.
import type { GeneratorEvent, GeneratorJob, ProofSide } from '#shared/proof-protocol.ts'
import { unwrap } from '#shared/result.ts'
import { readTextSide, type TextSide } from '../scorer/model-folder.ts'
import { type JobContext, throwIfCancelled } from '../serve-job.ts'
import { createVoices, type Voices } from './voices.ts'

/** Throws ProblemError; emits `answer` as each ends, then `finished`. */
export async function writeAnswers(job: GeneratorJob, context: JobContext<GeneratorEvent>): Promise<void> {
  const { emit, signal } = context
  await emit({ kind: 'phase', phase: 'loading' })
  const text = await readTextSide(job.model.folder)
  await throwIfCancelled(signal)
  const voices = createVoices(job, 'last')
  try {
    await answerSides(job, { voices, text }, context)
  } finally {
    await voices.dispose()
  }
  await emit({ kind: 'finished', answers: job.rows.length * job.sides.length })
}

interface Answering {
  readonly voices: Voices
  readonly text: TextSide
}

async function answerSides(
  job: GeneratorJob,
  { voices, text }: Answering,
  { emit, signal }: JobContext<GeneratorEvent>,
): Promise<void> {
  await emit({ kind: 'phase', phase: 'preparing' })
  const { tokenizer } = text
  const prompts = job.rows.map((row) => [...unwrap(text.encodePrompt(row.prompt))])
  const stopIds = new Set(tokenizer.eos ? [tokenizer.eos.id] : [])
  const total = job.rows.length * job.sides.length
  let done = 0
  const answerSide = async (side: ProofSide): Promise<void> => {
    const voice = await voices.of(side)
    await emit({ kind: 'phase', phase: 'working' })
    await voice.answer({
      prompts,
      maxAnswerTokens: job.maxAnswerTokens,
      stopIds,
      sequences: job.sequences,
      signal,
      onAnswer: async (index, ids, ended) => {
        done += 1
        const answer = {
          rowId: job.rows[index]!.rowId,
          side,
          text: tokenizer.decode(ids, { skipSpecialTokens: true }),
          tokenIds: [...ids],
          ended,
        }
        await emit({ kind: 'answer', answer, done, total })
      },
    })
  }
  for (const side of job.sides) await answerSide(side)
}
