// The five steps of the wizard: their order, their addresses, and which of them a project can open.
import type { ProjectDraft } from '#shared/contract/projects.ts'

export type WizardStep = ProjectDraft['step']
export const wizardSteps: readonly WizardStep[] = ['goal', 'data', 'model', 'advice', 'plan']

export const isWizardStep = (value: unknown): value is WizardStep =>
  wizardSteps.some((step) => step === value)

export const stepPath = (projectId: string, step: WizardStep): string => `/projects/${projectId}/${step}`

/** A step opens once what it builds on is there: rows were looked at before a model, a model before its plan. */
export function canOpen(step: WizardStep, draft: Pick<ProjectDraft, 'step' | 'modelId'>): boolean {
  if (step === 'goal' || step === 'data') return true
  if (draft.modelId !== null) return true
  return step === 'model' && wizardSteps.indexOf(draft.step) >= wizardSteps.indexOf('model')
}

/** Where a project goes on: its own step, or the last one before it that can be opened. */
export function nextStep(draft: Pick<ProjectDraft, 'step' | 'modelId'>): WizardStep {
  const upTo = wizardSteps.slice(1, wizardSteps.indexOf(draft.step) + 1)
  return upTo.reverse().find((step) => canOpen(step, draft)) ?? 'data'
}
