// What a search would be, for each effort, worked out anew a moment after each change. Answers to earlier questions do not
// count.
import { onScopeDispose, ref, shallowRef } from 'vue'
import type { CallInput } from '#shared/contract/index.ts'
import { type SearchEffort, type StudyPlan, searchEfforts } from '#shared/contract/studies.ts'
import type { Problem } from '#shared/result.ts'
import { api } from '../../api.ts'
import { firstChoice, worksAtNight } from './study-choice.ts'
import { readHours } from './study-hours.ts'

type PlanRequest = CallInput<'studies.plan'>

const waitMs = 300

export function useStudyPlan() {
  /** What each effort proposes, without a person's own ranges and limits. */
  const proposals = shallowRef<ReadonlyMap<SearchEffort, StudyPlan>>(new Map())
  /** The chosen one with all that a person chose; null before it is known. */
  const plan = shallowRef<StudyPlan | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const isAsking = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = 0
  let planned = ''

  const projectOf = ({ projectId, preset, changes }: PlanRequest) => ({ projectId, preset, changes })

  async function propose(turn: number, request: PlanRequest, effort: SearchEffort): Promise<void> {
    if (proposals.value.has(effort)) return
    const schedule = worksAtNight({ ...firstChoice, effort }) ? readHours(firstChoice.night) : null
    const reply = await api.call('studies.plan', { ...projectOf(request), effort, schedule })
    if (turn !== asked || !reply.ok) return
    proposals.value = new Map(proposals.value).set(effort, reply.value)
  }

  async function work(turn: number, request: PlanRequest): Promise<void> {
    const effort = request.effort ?? 'night'
    // Its ranges are what a person changes, so they come first.
    await propose(turn, request, effort)
    const reply = await api.call('studies.plan', request)
    if (turn !== asked) return
    isAsking.value = false
    problem.value = reply.ok ? null : reply.problem
    if (reply.ok) plan.value = reply.value
    for (const other of searchEfforts) if (turn === asked) await propose(turn, request, other)
  }

  /** Right away, or a moment later while a person goes on changing. */
  function ask(request: PlanRequest, isHurried: boolean): void {
    const turn = ++asked
    const project = JSON.stringify(projectOf(request))
    if (project !== planned) {
      planned = project
      proposals.value = new Map()
      plan.value = null
    }
    isAsking.value = true
    clearTimeout(timer)
    timer = setTimeout(() => void work(turn, request), isHurried ? 0 : waitMs)
  }
  onScopeDispose(() => {
    asked += 1
    clearTimeout(timer)
  })

  return { proposals, plan, problem, isAsking, ask }
}
