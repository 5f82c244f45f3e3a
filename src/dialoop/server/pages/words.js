// The words of the pages, in English and Chinese; the browser's language chooses, ?lang= overrides.

const asked = new URLSearchParams(location.search).get("lang") || navigator.language || "en";
export const lang = asked.toLowerCase().startsWith("zh") ? "zh" : "en";
document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";

const WORDS = {
  // both pages
  send: ["Send", "发送"],
  cancel: ["Cancel", "取消"],
  save: ["Save", "保存"],
  customer: ["Customer", "顾客"],
  agent: ["Assistant", "助手"],
  connected: ["connected", "已连接"],
  connecting: ["connecting again …", "正在重新连接……"],
  unreachable: ["The server cannot be reached.", "无法连接服务器。"],
  call_requested: ["about to", "即将执行"],
  call_waiting: ["waits for approval", "等待批准"],
  call_approved: ["approved", "已批准"],
  call_denied: ["not approved", "未获批准"],
  call_started: ["under way", "进行中"],
  call_returned: ["done", "已完成"],
  call_failed: ["did not work", "未成功"],
  withdrawn: ["taken back", "已撤回"],
  // the chat
  chat_title: ["Chat", "在线咨询"],
  your_message: ["Your message", "您的消息"],
  placeholder: ["Write a message …", "请输入消息……"],
  person: ["Ask for a person", "转人工"],
  person_asked: ["A person was asked for", "已请求人工"],
  person_here: ["{name} is here", "{name} 正在为您服务"],
  anew: ["New conversation", "新对话"],
  hello: ["How can we help you?", "请问有什么可以帮您？"],
  no_agent: ["There is no assistant called “{name}” here.", "这里没有名为“{name}”的助手。"],
  typing: ["is writing", "正在输入"],
  good: ["A good answer", "回答得好"],
  bad: ["A bad answer", "回答得不好"],
  edited: ["corrected by {name}", "{name} 已更正"],
  note_asked: ["A person was asked for and will come here.", "已请求人工客服，请稍候。"],
  note_joined: ["{name} has joined.", "{name} 已加入对话。"],
  note_handed_back: ["{name} has left; the assistant goes on.", "{name} 已离开，由助手继续为您服务。"],
  note_handed_to: ["{name} goes on from here.", "由 {name} 继续为您服务。"],
  note_closed: ["The conversation is closed.", "对话已结束。"],
  note_erased: ["What was said here was erased.", "对话内容已删除。"],
  not_sent: ["Not sent.", "未发送。"],
  again: ["Try again", "重试"],
  // the desk
  desk_title: ["Desk", "服务台"],
  queue: ["Waiting", "等待处理"],
  nobody: ["Nobody waits.", "暂无等待的对话。"],
  choose: ["Choose a conversation.", "请选择一个对话。"],
  back: ["Back to the queue", "返回列表"],
  why_asked: ["asks for a person", "请求人工"],
  why_approval: ["waits for approval", "等待批准"],
  why_with_operator: ["with {name}", "由 {name} 处理"],
  with_me: ["with you", "由您处理"],
  seconds: ["{n} s", "{n} 秒"],
  minutes: ["{n} min", "{n} 分钟"],
  hours: ["{n} h", "{n} 小时"],
  name: ["Name", "姓名"],
  password: ["Password", "密码"],
  sign_in: ["Sign in", "登录"],
  sign_out: ["Sign out", "退出"],
  open_desk: ["On this machine no password is asked for.", "本机使用无需密码。"],
  take_over: ["Take over", "接管"],
  take_anyway: ["Take over all the same", "仍然接管"],
  hand_back: ["Hand back", "交还助手"],
  solved: ["Solved", "已解决"],
  unsolved: ["Not solved", "未解决"],
  edit: ["Edit", "修改"],
  edited_answer: ["Answer as it should be", "更正后的回答"],
  original: ["was", "原文"],
  approve: ["Approve", "批准"],
  deny: ["Refuse", "拒绝"],
  deny_reason: ["Reason, told to the assistant", "拒绝原因（会告知助手）"],
  draft: ["Draft an answer", "起草回答"],
  drafted: ["The assistant's draft: edit it, then send.", "助手起草的回答：修改后发送。"],
  draft_ready: ["A draft is ready. It would take the place of what you have written.", "草稿已就绪，将替换您已写的内容。"],
  put_in: ["Use the draft", "使用草稿"],
  drafting: ["drafting …", "正在起草……"],
  your_answer: ["Your answer", "您的回答"],
  take_first: ["The assistant answers here. Take over to write yourself.", "目前由助手回答。接管后可亲自回复。"],
  phase_open: ["with the assistant", "由助手处理"],
  phase_asked: ["asks for a person", "请求人工"],
  phase_with_operator: ["with {name}", "由 {name} 处理"],
  phase_closed: ["closed", "已结束"],
  phase_erased: ["erased", "已删除"],
  result: ["Result", "结果"],
  reason: ["Reason", "原因"],
  rated_good: ["rated good", "获好评"],
  rated_bad: ["rated bad", "获差评"],
};

export function t(key, values = {}) {
  const text = WORDS[key][lang === "zh" ? 1 : 0];
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// Reasons that the server itself gives, in the page's language; any other stays as it was written.
const REASONS = {
  "the customer asked for a person": "顾客要求人工服务",
};

export function why(reason) {
  return lang === "zh" ? (REASONS[reason] ?? reason) : reason;
}
