; SPDX-License-Identifier: Apache-2.0
; A guest without a system whose agent is elsewhere: what comes on COM2 goes out on COM3, and what comes on COM3 goes out on
; COM2. QEMU connects COM2 to its SPICE server's agent (-chardev spicevmc,name=vdagent), COM3 to the test that plays the agent.
; COM1 says READY. Boots by BIOS; the whole of it is the boot sector.
;
; Assemble: nasm -f bin -o agent-bridge.img agent-bridge.asm

        bits 16
        org 0x7c00

%define COM1         0x3f8
%define COM2         0x2f8
%define COM3         0x3e8
%define LINE_STATUS  5
%define DATA_READY   1
%define CAN_SEND     0x20

start:  xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        cld
        mov bx, COM1
        call setup
        mov bx, COM2
        call setup
        mov bx, COM3
        call setup
        mov si, ready
        mov bx, COM1
.say:   lodsb
        test al, al
        jz pump
        call send
        jmp .say

pump:   mov di, COM2
        mov bx, COM3
        call carry
        mov di, COM3
        mov bx, COM2
        call carry
        jmp pump

; Carries what has come on port DI to port BX.
carry:  lea dx, [di + LINE_STATUS]
        in al, dx
        test al, DATA_READY
        jz .none
        mov dx, di
        in al, dx
        call send
        jmp carry
.none:  ret

; Sends AL on port BX, as soon as it takes it.
send:   mov ah, al
        lea dx, [bx + LINE_STATUS]
.wait:  in al, dx
        test al, CAN_SEND
        jz .wait
        mov al, ah
        mov dx, bx
        out dx, al
        ret

; Eight bits, no parity, FIFO on, no interrupts, ready to talk, on port BX.
setup:  lea dx, [bx + 1]
        xor al, al
        out dx, al
        lea dx, [bx + 3]
        mov al, 3
        out dx, al
        lea dx, [bx + 2]
        mov al, 7
        out dx, al
        lea dx, [bx + 4]
        mov al, 3
        out dx, al
        ret

ready:  db 'READY agent bridge', 13, 10, 0

        times 510 - ($ - $$) db 0
        dw 0xaa55
