// Until the first start was seen through, it stands where the projects will be. Decided here and nowhere else.

export const startPath = '/start'

export const isStartInstead = (path: string, isStarted: boolean): boolean => path === '/' && !isStarted
