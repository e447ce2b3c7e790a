export const NAMESPACE = "chaos";
export const SERVICE = "room";
